// Reads HDF5 files in the form h5py writes by default (superblock 0 or 1, symbol-table groups, contiguous or compact numbers, attributes
// in object headers). Everything else the format allows (chunks and filters, dense groups, committed types) is refused by name. Every
// read is bounds-checked and paid from a budget linear in the file's size, so that structures that point at each other, or at
// one thing many times, end in an error instead of a hang. It knows nothing of what a file means.
// Format: HDF5 File Format Specification 3.0, https://docs.hdfgroup.org/hdf5/develop/_f_m_t3.html (sections in comments).

import { refusal } from "../errors.ts";
import { widenHalf } from "../model/half.ts";
import { sizeOf } from "../model/tensor.ts";
import { quoted } from "../quoted.ts";

/** A group or a dataset. */
export interface Hdf5Object {
  path: string;
  /** The member of that name, or undefined where there is none (datasets have none). */
  member(name: string): Hdf5Object | undefined;
  /** The text of a string attribute (one for each element), or undefined where there is none of that name. */
  strings(attribute: string): string[] | undefined;
  /** Sizes of a dataset; undefined for groups. */
  shape: readonly number[] | undefined;
  /** The numbers of a dataset as float32, row-major. */
  numbers(): Float32Array;
}

export const hdf5Signature: readonly number[] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Object header messages (IV.A.2). */
const message = {
  dataspace: 1,
  linkInfo: 2,
  datatype: 3,
  link: 6,
  externalFiles: 7,
  layout: 8,
  attribute: 12,
  continuation: 16,
  symbolTable: 17,
};

interface Message {
  type: number;
  start: number;
  end: number;
}

interface NumberType {
  kind: "float" | "signed" | "unsigned";
  sizeBytes: number;
  littleEndian: boolean;
}

/** What a datatype message describes. */
type Datatype = NumberType | { kind: "string"; sizeBytes: number } | { kind: "long-string"; sizeBytes: 16 };

/**
 * Opens a file and reads its root group; members are read when asked for.
 * @param name what messages call the file.
 * @throws SlonnError `bad-file` for anything malformed, `unsupported` for forms outside the above; so do the functions of what it returns.
 */
export function openHdf5(bytes: Uint8Array, name: string): Hdf5Object {
  const source = createSource(bytes, name);
  if (!hdf5Signature.every((byte, i) => bytes[i] === byte)) source.fail("bad-file", 0, "no HDF5 signature", "89 48 44 46 0d 0a 1a 0a");
  // II.A: version, …, sizes of offsets and lengths at 13 and 14, then B-tree constants, base address, …, the root group's entry.
  const version = source.u8(8);
  if (version > 1) source.fail("unsupported", 8, `superblock version ${version}`, "0 or 1, as h5py writes without libver");
  const [offsetBytes, lengthBytes] = [source.u8(13), source.u8(14)];
  if (offsetBytes !== 8 || lengthBytes !== 8)
    source.fail("unsupported", 13, `addresses of ${offsetBytes} and sizes of ${lengthBytes} bytes`, "8");
  const base = version === 0 ? 24 : 28;
  if (source.address(base) !== 0) source.fail("unsupported", base, `base address ${source.address(base)}`, "0");
  const end = source.address(base + 16);
  if (end > bytes.length) source.fail("bad-file", base + 16, `a file of ${bytes.length} bytes`, `${end}`);
  return openObject(source, source.address(base + 40), "");
}

// ---- Reading within bounds and budget

type Source = ReturnType<typeof createSource>;

function createSource(bytes: Uint8Array, name: string) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Entries of honest files take at least 8 bytes each and are visited a few times; their numbers are read once.
  let steps = 4096 + bytes.length;
  let dataBytes = 4096 + bytes.length;

  function fail(code: "bad-file" | "unsupported", at: number, got: string, expected: string): never {
    throw refusal(code, name, `${got} at byte ${at}`, expected);
  }
  function check(at: number, count: number): void {
    if (!(at >= 0 && count >= 0 && at + count <= bytes.length))
      fail("bad-file", Math.min(at, Number.MAX_SAFE_INTEGER), `a reference to ${count} bytes`, `them within the file's ${bytes.length}`);
  }
  return {
    name,
    bytes,
    view,
    fail,
    check,
    /** Pays for one step of work on `count` bytes. */
    spend(count = 0): void {
      if ((steps -= 1 + count / 8) < 0)
        fail("bad-file", 0, "structures that refer to one another without end", "every part of the file used once");
    },
    /** Pays for `count` bytes of numbers copied out. */
    spendData(count: number): void {
      if ((dataBytes -= count) < 0) fail("bad-file", 0, "more numbers than the file has bytes", "every dataset read once");
    },
    u8(at: number): number {
      check(at, 1);
      return view.getUint8(at);
    },
    u16(at: number): number {
      check(at, 2);
      return view.getUint16(at, true);
    },
    u32(at: number): number {
      check(at, 4);
      return view.getUint32(at, true);
    },
    /** A 64-bit size. */
    u64(at: number): number {
      check(at, 8);
      const value = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
      if (!Number.isSafeInteger(value)) fail("bad-file", at, "a size past 2^53", "one within the file");
      return value;
    },
    /** A 64-bit address; infinity where it is undefined (all ones). */
    address(at: number): number {
      check(at, 8);
      const value = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
      return value >= 2 ** 53 ? Number.POSITIVE_INFINITY : value;
    },
    signature(at: number, expected: string): void {
      check(at, 4);
      const got = String.fromCharCode(...bytes.subarray(at, at + 4));
      if (got !== expected) fail("bad-file", at, quoted(got), quoted(expected));
    },
    text(start: number, end: number): string {
      check(start, end - start);
      return new TextDecoder().decode(bytes.subarray(start, end));
    },
  };
}

// ---- Objects

function openObject(source: Source, headerAddress: number, path: string): Hdf5Object {
  const messages = readHeader(source, headerAddress);
  const only = (type: number): Message | undefined => messages.find((m) => m.type === type);
  const [dataspace, datatype, layout] = [only(message.dataspace), only(message.datatype), only(message.layout)];
  const shape = dataspace && readDataspace(source, dataspace.start, dataspace.end);
  let members: Map<string, number> | undefined;
  return {
    path: path || "/",
    shape,
    member(name) {
      members ??= readMembers(source, messages, path || "/");
      const at = members.get(name);
      return at === undefined ? undefined : openObject(source, at, `${path}/${name}`);
    },
    strings(attribute) {
      for (const m of messages) {
        if (m.type !== message.attribute) continue;
        const found = readStrings(source, m, attribute);
        if (found) return found;
      }
      return undefined;
    },
    numbers() {
      if (!shape || !datatype || !layout)
        return source.fail("bad-file", headerAddress, `no numbers in ${quoted(path || "/")}`, "a dataset");
      if (only(message.externalFiles)) source.fail("unsupported", headerAddress, "numbers in another file", "them in this one");
      return readNumbers(source, shape, readDatatype(source, datatype.start, datatype.end), layout);
    },
  };
}

/** Version 1 object header (IV.A.1.a): a 16-byte prefix, then messages in this block and in those that continue it. */
function readHeader(source: Source, at: number): Message[] {
  source.spend();
  const version = source.u8(at);
  if (version === 0x4f) source.fail("unsupported", at, "an object header of version 2", "version 1, as h5py writes without libver");
  if (version !== 1) source.fail("bad-file", at, `object header version ${version}`, "1");
  const count = source.u16(at + 2);
  const blocks = [{ start: at + 16, sizeBytes: source.u32(at + 8) }];
  const messages: Message[] = [];
  let seen = 0;
  for (let b = 0; b < blocks.length; b++) {
    const { start, sizeBytes } = blocks[b];
    source.check(start, sizeBytes);
    for (let p = start; p + 8 <= start + sizeBytes && seen < count; seen++) {
      source.spend();
      const m = { type: source.u16(p), start: p + 8, end: p + 8 + source.u16(p + 2) };
      if (m.end > start + sizeBytes) source.fail("bad-file", p, `a message of ${m.end - m.start} bytes`, "it within its header");
      const shared = source.u8(p + 4) & 2;
      if (shared && (m.type === message.datatype || m.type === message.dataspace || m.type === message.attribute))
        source.fail("unsupported", p, "a shared header message", "each object to hold its own");
      if (m.type === message.continuation) blocks.push({ start: source.address(m.start), sizeBytes: source.u64(m.start + 8) });
      messages.push(m);
      p = m.end;
    }
  }
  return messages;
}

/** Names and header addresses of a group's members (III.A.1, III.B, III.C, III.D). */
function readMembers(source: Source, messages: readonly Message[], path: string): Map<string, number> {
  const members = new Map<string, number>();
  const newStyle = messages.find((m) => m.type === message.link || m.type === message.linkInfo);
  if (newStyle)
    source.fail(
      "unsupported",
      newStyle.start,
      `group ${quoted(path)} stored as links`,
      "a symbol table, as h5py writes by default where names are ASCII",
    );
  const table = messages.find((m) => m.type === message.symbolTable);
  if (!table) return members;
  const heap = source.address(table.start + 8);
  source.signature(heap, "HEAP");
  const [names, nameBytes] = [source.address(heap + 24), source.u64(heap + 8)];
  source.check(names, nameBytes);

  const nameAt = (offset: number): string => {
    const end = source.bytes.subarray(0, names + nameBytes).indexOf(0, names + offset);
    if (offset > nameBytes || end < 0) source.fail("bad-file", names, `a name at ${offset}`, `it within a heap of ${nameBytes} bytes`);
    source.spend(end - names - offset);
    return source.text(names + offset, end);
  };
  const readNode = (at: number, level: number | null): void => {
    source.spend();
    source.signature(at, "TREE");
    const [type, own, entries] = [source.u8(at + 4), source.u8(at + 5), source.u16(at + 6)];
    if (type !== 0 || (level !== null && own !== level))
      source.fail("bad-file", at, `a node of type ${type}, level ${own}`, `type 0, level ${level ?? 0}`);
    for (let e = 0; e < entries; e++) {
      source.spend();
      const child = source.address(at + 24 + 16 * e + 8); // key 0, child 0, key 1, …
      if (own > 0) readNode(child, own - 1);
      else readSymbols(child);
    }
  };
  const readSymbols = (at: number): void => {
    source.spend();
    source.signature(at, "SNOD");
    const count = source.u16(at + 6);
    for (let s = 0; s < count; s++) {
      source.spend();
      const entry = at + 8 + 40 * s;
      const isSoftLink = source.u32(entry + 16) === 2;
      if (!isSoftLink) members.set(nameAt(source.u64(entry)), source.address(entry + 8));
    }
  };
  readNode(source.address(table.start), null);
  return members;
}

// ---- Shapes and types

/** Dataspace message (IV.A.2.b); a scalar has no dimension. */
function readDataspace(source: Source, start: number, end: number): readonly number[] {
  const [version, rank] = [source.u8(start), source.u8(start + 1)];
  if (version !== 1 && version !== 2) source.fail("bad-file", start, `dataspace version ${version}`, "1 or 2");
  if (version === 2 && source.u8(start + 3) === 2) return [0]; // a null dataspace
  const sizes = start + (version === 1 ? 8 : 4);
  if (sizes + 8 * rank > end) source.fail("bad-file", start, `${rank} dimensions`, "them within their message");
  return Array.from({ length: rank }, (_, d) => source.u64(sizes + 8 * d));
}

/** Exponent and mantissa of the three IEEE 754 sizes: [exponent position, exponent bits, mantissa bits, bias]. */
const ieee: Readonly<Record<number, readonly number[]>> = { 2: [10, 5, 10, 15], 4: [23, 8, 23, 127], 8: [52, 11, 52, 1023] };

/** Datatype message (IV.A.2.d). */
function readDatatype(source: Source, start: number, end: number): Datatype {
  if (start + 8 > end) source.fail("bad-file", start, `a datatype of ${end - start} bytes`, "at least 8");
  const [type, bits, sizeBytes] = [source.u8(start) & 15, source.u8(start + 1), source.u32(start + 4)];
  switch (type) {
    case 0: {
      if (![1, 2, 4, 8].includes(sizeBytes)) source.fail("unsupported", start, `integers of ${sizeBytes} bytes`, "1, 2, 4 or 8");
      return { kind: bits & 8 ? "signed" : "unsigned", sizeBytes, littleEndian: !(bits & 1) };
    }
    case 1: {
      if (start + 20 > end) source.fail("bad-file", start, `a datatype of ${end - start} bytes`, "at least 20");
      const got = [source.u8(start + 12), source.u8(start + 13), source.u8(start + 15), source.u32(start + 16)];
      if (!ieee[sizeBytes] || ieee[sizeBytes].some((n, i) => n !== got[i]) || bits & 0x40)
        source.fail(
          "unsupported",
          start,
          `floating point of ${sizeBytes} bytes in a form of its own`,
          "IEEE 754 float16, float32 or float64",
        );
      return { kind: "float", sizeBytes, littleEndian: !(bits & 1) };
    }
    case 3:
      return { kind: "string", sizeBytes };
    case 9:
      if ((bits & 15) === 1 && sizeBytes === 16) return { kind: "long-string", sizeBytes };
      return source.fail("unsupported", start, "a sequence of variable length", "numbers or text");
    default:
      return source.fail("unsupported", start, `datatype class ${type}`, "numbers (0, 1) or text (3, 9)");
  }
}

// ---- Numbers

/** Data layout message (IV.A.2.i), versions 3 and 4: contiguous or compact. */
function readNumbers(source: Source, shape: readonly number[], type: Datatype, layout: Message): Float32Array {
  if (type.kind === "string" || type.kind === "long-string") return source.fail("unsupported", layout.start, "text", "numbers");
  const count = sizeOf(shape);
  const sizeBytes = count * type.sizeBytes;
  const [version, kind] = [source.u8(layout.start), source.u8(layout.start + 1)];
  if (version !== 3 && version !== 4) source.fail("unsupported", layout.start, `data layout version ${version}`, "3 or 4");
  if (kind !== 0 && kind !== 1)
    source.fail(
      "unsupported",
      layout.start,
      kind === 2 ? "chunked (perhaps compressed) numbers" : `data layout ${kind}`,
      "contiguous numbers, as Keras writes",
    );
  const compact = kind === 0;
  const stored = compact ? source.u16(layout.start + 2) : source.u64(layout.start + 10);
  if (!(stored >= sizeBytes)) source.fail("bad-file", layout.start, `${stored} bytes for ${count} numbers`, `${sizeBytes}`);
  if (count === 0) return new Float32Array(0);
  const at = compact ? layout.start + 4 : source.address(layout.start + 2);
  if (at === Number.POSITIVE_INFINITY) source.fail("bad-file", layout.start, "numbers that were never written", "all of them");
  if (compact && at + sizeBytes > layout.end)
    source.fail("bad-file", layout.start, `${sizeBytes} bytes of numbers`, "them within their message");
  source.check(at, sizeBytes);
  source.spendData(sizeBytes);
  return decodeNumbers(source.view, at, count, type);
}

function decodeNumbers(view: DataView, at: number, count: number, { kind, sizeBytes, littleEndian }: NumberType): Float32Array {
  if (kind === "float" && sizeBytes === 2)
    return widenHalf(Uint16Array.from({ length: count }, (_, i) => view.getUint16(at + 2 * i, littleEndian)));
  const out = new Float32Array(count);
  const big = kind !== "float" && sizeBytes === 8 ? "Big" : "";
  const form = { float: "Float", signed: "Int", unsigned: "Uint" }[kind];
  const getter = `get${big}${form}${8 * sizeBytes}` as "getFloat32" | "getBigInt64"; // or another of these
  for (let i = 0; i < count; i++) out[i] = Number(view[getter](at + sizeBytes * i, littleEndian));
  return out;
}

// ---- Text attributes

/** Attribute message (IV.A.2.m) when it has that name; undefined otherwise. */
function readStrings(source: Source, { start, end }: Message, name: string): string[] | undefined {
  source.spend(end - start);
  const version = source.u8(start);
  if (version < 1 || version > 3) source.fail("bad-file", start, `attribute version ${version}`, "1 to 3");
  const padded = (size: number): number => (version === 1 ? Math.ceil(size / 8) * 8 : size);
  const [nameBytes, typeBytes, spaceBytes] = [source.u16(start + 2), source.u16(start + 4), source.u16(start + 6)];
  const nameAt = start + (version === 3 ? 9 : 8);
  const typeAt = nameAt + padded(nameBytes);
  const spaceAt = typeAt + padded(typeBytes);
  const dataAt = spaceAt + padded(spaceBytes);
  if (dataAt > end) source.fail("bad-file", start, `an attribute of ${dataAt - start} bytes`, "it within its message");
  if (source.text(nameAt, nameAt + nameBytes).replace(/\0+$/, "") !== name) return undefined;
  if (version > 1 && source.u8(start + 1) & 3) source.fail("unsupported", start, "a shared datatype", "each attribute to hold its own");
  const type = readDatatype(source, typeAt, spaceAt);
  const count = sizeOf(readDataspace(source, spaceAt, dataAt));
  if (count === 0) return []; // h5py gives an empty list the type float64
  if (type.kind !== "string" && type.kind !== "long-string") source.fail("bad-file", start, `attribute ${quoted(name)} of numbers`, "text");
  if (!(count * type.sizeBytes <= end - dataAt) || type.sizeBytes === 0)
    source.fail("bad-file", start, `${count} strings of ${type.sizeBytes} bytes`, `them within ${end - dataAt} bytes`);
  return Array.from({ length: count }, (_, i) => {
    const at = dataAt + i * type.sizeBytes;
    return (type.kind === "string" ? source.text(at, at + type.sizeBytes) : readLongString(source, at)).replace(/\0+$/, "");
  });
}

/** Text of variable length: its size, the address of a global heap collection (III.E), and an index in it. */
function readLongString(source: Source, at: number): string {
  const [sizeBytes, heap, index] = [source.u32(at), source.address(at + 4), source.u32(at + 12)];
  if (sizeBytes === 0) return "";
  source.signature(heap, "GCOL");
  const end = heap + source.u64(heap + 8);
  source.check(heap, end - heap);
  for (let p = heap + 16; p + 16 <= end; ) {
    source.spend();
    const [own, length] = [source.u16(p), source.u64(p + 8)];
    if (own === 0) break; // the free space at the end
    if (own === index) {
      if (sizeBytes > length || p + 16 + length > end)
        source.fail("bad-file", p, `text of ${sizeBytes} bytes`, "it within its heap object");
      source.spend(sizeBytes);
      return source.text(p + 16, p + 16 + sizeBytes);
    }
    p += 16 + Math.ceil(length / 8) * 8;
  }
  return source.fail("bad-file", heap, `no object ${index} in this heap`, "the text of an attribute");
}
