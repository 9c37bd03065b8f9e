// NumPy's .npz: a zip of .npy files. Either plain arrays, one of which is taken, or one SciPy matrix in CSR form as
// scipy.sparse.save_npz writes it (format, shape, indptr, indices, data).

import { SlonnError } from "../../errors.ts";
import { maxWidth } from "../../model/model.ts";
import { quoted } from "../../model/quoted.ts";
import { sizeOf, type Tensor, toFloat32 } from "../../model/tensor.ts";
import { chooseArray, type Role } from "./choose-array.ts";
import { readNpy, readNpyHeader } from "./npy.ts";
import { canonical, checkSparseFinite } from "./sparse-rows.ts";
import type { SparseTable, Table } from "./table.ts";
import { listZip, readZipEntry, type ZipEntry } from "./zip.ts";

/**
 * Reads the one array of an archive, the one named for its role, or its CSR matrix.
 * @throws SlonnError `bad-file`, `checksum`, `unsupported` or `bad-input`, as the parts do.
 */
export function readNpz(bytes: Uint8Array, name: string, role: Role): Table {
  const arrays = new Map<string, ZipEntry>();
  for (const entry of listZip(bytes, name)) if (entry.name.endsWith(".npy")) arrays.set(entry.name.slice(0, -4), entry);
  if (arrays.has("format") && arrays.has("shape")) return readMatrix(bytes, arrays, name);
  const chosen = chooseArray([...arrays.keys()], role, name);
  return { kind: "array", tensor: readNpy(readZipEntry(bytes, arrays.get(chosen)!, name), `${name}: ${chosen}`) };
}

function readMatrix(bytes: Uint8Array, arrays: ReadonlyMap<string, ZipEntry>, name: string): SparseTable {
  const format = readFormat(bytes, arrays.get("format")!, name);
  if (format !== "csr")
    throw new SlonnError("unsupported", `${name}: got a sparse matrix in ${quoted(format)} form, expected "csr": save matrix.tocsr()`);
  const array = (part: string): Tensor => {
    const entry = arrays.get(part);
    if (!entry) throw new SlonnError("bad-file", `${name}: got no ${part}.npy, expected the parts of a CSR matrix`);
    const tensor = readNpy(readZipEntry(bytes, entry, name), `${name}: ${part}`);
    if (tensor.shape.length !== 1) throw new SlonnError("bad-file", `${name}: ${part}: got ${tensor.shape.length} dimensions, expected 1`);
    return tensor;
  };
  const shape = Array.from(array("shape").data, Number);
  const [count, width] = shape;
  if (shape.length !== 2 || Number.isNaN(sizeOf(shape)))
    throw new SlonnError("bad-file", `${name}: got shape (${shape.slice(0, 8).join(", ")}), expected two sizes`);
  if (width > maxWidth) throw new SlonnError("bad-input", `${name}: got ${width} columns, expected at most ${maxWidth}`);
  const [starts, columns, data] = [array("indptr"), array("indices"), array("data")];
  if (starts.data.length !== count + 1)
    throw new SlonnError("bad-file", `${name}: got ${starts.data.length} row starts, expected ${count + 1} for ${count} rows`);
  if (columns.data.length !== data.data.length)
    throw new SlonnError(
      "bad-file",
      `${name}: got ${columns.data.length} columns and ${data.data.length} values, expected as many of each`,
    );
  const indptr = whole(starts, data.data.length, name, "indptr");
  for (let r = 0; r < count; r++)
    if (indptr[r] > indptr[r + 1])
      throw new SlonnError("bad-file", `${name}: row ${r}: got start ${indptr[r]} after ${indptr[r + 1]}, expected ascending starts`);
  if (indptr[0] !== 0 || indptr[count] !== data.data.length)
    throw new SlonnError("bad-file", `${name}: got rows from ${indptr[0]} to ${indptr[count]}, expected 0 to ${data.data.length}`);
  const sparse = canonical({ indptr, indices: whole(columns, width - 1, name, "indices"), values: toFloat32(data.data) });
  checkSparseFinite(sparse, name);
  return { kind: "sparse", count, width, widthStated: true, ...sparse, labels: null };
}

/** SciPy stores the form as a single byte string, e.g. b"csr". */
function readFormat(bytes: Uint8Array, entry: ZipEntry, name: string): string {
  const content = readZipEntry(bytes, entry, name);
  const header = readNpyHeader(content, `${name}: format`);
  if (!/^\|S\d+$|^[<>]U\d+$/.test(header.descr))
    throw new SlonnError("bad-file", `${name}: format: got ${quoted(header.descr)}, expected a string`);
  const text = new TextDecoder("latin1").decode(content.subarray(header.offset, header.offset + 64));
  return text.replaceAll("\0", "");
}

/** Indices as unsigned integers from 0 to `most`. */
function whole({ data }: Tensor, most: number, name: string, part: string): Uint32Array {
  const out = new Uint32Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const index = Number(data[i]);
    if (!(Number.isInteger(index) && index >= 0 && index <= most))
      throw new SlonnError("bad-input", `${name}: ${part}[${i}]: got ${index}, expected an integer from 0 to ${most}`);
    out[i] = index;
  }
  return out;
}
