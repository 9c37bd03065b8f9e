// Small data files for the tests, built byte by byte.

import { crc32, deflateRawSync } from "node:zlib";

/** An .npy file with any type string, shape and body. */
export function npyFile(descr: string, shape: string, body: Uint8Array, { version = 1, fortran = false } = {}): Uint8Array {
  const text = new TextEncoder().encode(`{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': ${shape}, }\n`);
  const lengthBytes = version === 1 ? 2 : 4;
  const file = new Uint8Array(8 + lengthBytes + text.length + body.length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(file.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  file.set(text, 8 + lengthBytes);
  file.set(body, 8 + lengthBytes + text.length);
  return file;
}

export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

export interface Packed {
  name: string;
  content: Uint8Array;
  /** What the directory says of it, where that is to be wrong. */
  declaredBytes?: number;
  crc?: number;
  flags?: number;
  method?: number;
  comment?: string;
}

/** A zip archive; deflated unless `stored`. */
export function zipFile(files: readonly Packed[], { stored = false } = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const {
    name,
    content,
    declaredBytes = content.length,
    crc = crc32(content),
    flags = 0,
    method = stored ? 0 : 8,
    comment = "",
  } of files) {
    const packed = stored ? content : deflateRawSync(content);
    const nameBytes = new TextEncoder().encode(name);
    const local = new DataView(new ArrayBuffer(30));
    local.setUint32(0, 0x04034b50, true);
    local.setUint16(26, nameBytes.length, true);
    const entry = new DataView(new ArrayBuffer(46));
    entry.setUint32(0, 0x02014b50, true);
    entry.setUint16(8, flags, true);
    entry.setUint16(10, method, true);
    entry.setUint32(16, crc, true);
    entry.setUint32(20, packed.length, true);
    entry.setUint32(24, declaredBytes, true);
    entry.setUint16(28, nameBytes.length, true);
    entry.setUint16(32, comment.length, true);
    entry.setUint32(42, offset, true);
    parts.push(bytesOf(local), nameBytes, packed);
    directory.push(bytesOf(entry), nameBytes, new TextEncoder().encode(comment));
    offset += 30 + nameBytes.length + packed.length;
  }
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, files.length, true);
  end.setUint16(10, files.length, true);
  end.setUint32(
    12,
    directory.reduce((sum, part) => sum + part.length, 0),
    true,
  );
  end.setUint32(16, offset, true);
  return new Uint8Array(Buffer.concat([...parts, ...directory, bytesOf(end)]));
}

/** An IDX file. */
export function idxFile(type: number, shape: readonly number[], body: Uint8Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 + shape.length * 4 + body.length));
  view.setUint8(2, type);
  view.setUint8(3, shape.length);
  for (const [d, size] of shape.entries()) view.setUint32(4 + d * 4, size);
  const file = bytesOf(view);
  file.set(body, 4 + shape.length * 4);
  return file;
}

export function safetensorsFile(
  tensors: Readonly<Record<string, { dtype: string; shape: readonly number[]; bytes: Uint8Array }>>,
): Uint8Array {
  let at = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors))
    header[name] = { dtype, shape, data_offsets: [at, (at += bytes.length)] };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new DataView(new ArrayBuffer(8));
  length.setUint32(0, text.length, true);
  return new Uint8Array(Buffer.concat([bytesOf(length), text, ...Object.values(tensors).map(({ bytes }) => bytes)]));
}

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
