// NumPy's .npz: a zip of .npy files. Either plain arrays, one of which is taken, or one SciPy matrix in CSR form as
// scipy.sparse.save_npz writes it (format, shape, indptr, indices, data).

import { refusal } from "../../errors.ts";
import { maxWidth } from "../../model/model.ts";
import { sizeOf, type Tensor, toFloat32 } from "../../model/tensor.ts";
import { quoted } from "../../quoted.ts";
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
  if (format !== "csr") throw refusal("unsupported", name, `a sparse matrix in ${quoted(format)} form`, '"csr": save matrix.tocsr()');
  const array = (part: string): Tensor => {
    const entry = arrays.get(part);
    if (!entry) throw refusal("bad-file", name, `no ${part}.npy`, "the parts of a CSR matrix");
    const tensor = readNpy(readZipEntry(bytes, entry, name), `${name}: ${part}`);
    if (tensor.shape.length !== 1) throw refusal("bad-file", `${name}: ${part}`, `${tensor.shape.length} dimensions`, "1");
    return tensor;
  };
  const shape = Array.from(array("shape").data, Number);
  const [count, width] = shape;
  if (shape.length !== 2 || Number.isNaN(sizeOf(shape)))
    throw refusal("bad-file", name, `shape (${shape.slice(0, 8).join(", ")})`, "two sizes");
  if (width > maxWidth) throw refusal("bad-input", name, `${width} columns`, `at most ${maxWidth}`);
  const [starts, columns, data] = [array("indptr"), array("indices"), array("data")];
  if (starts.data.length !== count + 1)
    throw refusal("bad-file", name, `${starts.data.length} row starts`, `${count + 1} for ${count} rows`);
  if (columns.data.length !== data.data.length)
    throw refusal("bad-file", name, `${columns.data.length} columns and ${data.data.length} values`, "as many of each");
  const indptr = whole(starts, data.data.length, name, "indptr");
  for (let r = 0; r < count; r++)
    if (indptr[r] > indptr[r + 1])
      throw refusal("bad-file", `${name}: row ${r}`, `start ${indptr[r]} after ${indptr[r + 1]}`, "ascending starts");
  if (indptr[0] !== 0 || indptr[count] !== data.data.length)
    throw refusal("bad-file", name, `rows from ${indptr[0]} to ${indptr[count]}`, `0 to ${data.data.length}`);
  const sparse = canonical({ indptr, indices: whole(columns, width - 1, name, "indices"), values: toFloat32(data.data) });
  checkSparseFinite(sparse, name);
  return { kind: "sparse", count, width, widthStated: true, ...sparse, labels: null };
}

/** SciPy stores the form as a single byte string, e.g. b"csr". */
function readFormat(bytes: Uint8Array, entry: ZipEntry, name: string): string {
  const content = readZipEntry(bytes, entry, name);
  const header = readNpyHeader(content, `${name}: format`);
  if (!/^\|S\d+$|^[<>]U\d+$/.test(header.descr)) throw refusal("bad-file", `${name}: format`, quoted(header.descr), "a string");
  const text = new TextDecoder("latin1").decode(content.subarray(header.offset, header.offset + 64));
  return text.replaceAll("\0", "");
}

/** Indices as unsigned integers from 0 to `most`. */
function whole({ data }: Tensor, most: number, name: string, part: string): Uint32Array {
  const out = new Uint32Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const index = Number(data[i]);
    if (!(Number.isInteger(index) && index >= 0 && index <= most))
      throw refusal("bad-input", `${name}: ${part}[${i}]`, index, `an integer from 0 to ${most}`);
    out[i] = index;
  }
  return out;
}
