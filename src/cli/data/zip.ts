// The files inside a zip archive, as NumPy writes it: stored or deflated, sizes below 4 GiB. node:zlib inflates, which
// bounds the output and computes the checksum; the JavaScript unzippers at hand check none. Encryption is refused.
// Source: PKWARE APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).

import { crc32, inflateRawSync } from "node:zlib";
import { refusal, SlonnError } from "../../errors.ts";
import { quoted } from "../../quoted.ts";
import { maxUnpackedBytes } from "./gzip.ts";

export interface ZipEntry {
  name: string;
  method: number;
  crc: number;
  packedBytes: number;
  unpackedBytes: number;
  /** Where its local header stands. */
  offset: number;
}

const [endBytes, entryBytes, localBytes] = [22, 46, 30];
const maxEntries = 4096;

export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && ((bytes[2] === 3 && bytes[3] === 4) || (bytes[2] === 5 && bytes[3] === 6));
}

/**
 * The archive's directory.
 * @throws SlonnError `bad-file` where it is malformed or entries repeat, `unsupported` past `limit` unpacked bytes in all.
 */
export function listZip(bytes: Uint8Array, name: string, limit: number = maxUnpackedBytes): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The end record stands last, before a comment of at most 65535 bytes.
  let end = bytes.length - endBytes;
  const earliest = Math.max(0, end - 0xffff);
  while (end >= earliest && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < earliest) throw refusal("bad-file", name, "no end of a zip directory", "one: the file may be truncated");
  const count = view.getUint16(end + 10, true);
  if (count > maxEntries) throw refusal("unsupported", name, `${count} files in the archive`, `at most ${maxEntries}`);
  const entries: ZipEntry[] = [];
  let total = 0;
  for (let at = view.getUint32(end + 16, true), i = 0; i < count; i++) {
    if (at + entryBytes > end || view.getUint32(at, true) !== 0x02014b50)
      throw refusal("bad-file", name, `a zip directory that ends after ${i} files`, count);
    const nameBytes = view.getUint16(at + 28, true);
    const next = at + entryBytes + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) throw refusal("bad-file", name, "a zip directory entry past its end", `${count} whole entries`);
    const entry: ZipEntry = {
      name: new TextDecoder().decode(bytes.subarray(at + entryBytes, at + entryBytes + nameBytes)),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      unpackedBytes: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    };
    const encrypted = (view.getUint16(at + 8, true) & 1) !== 0;
    if (encrypted) throw refusal("unsupported", name, `an encrypted ${quoted(entry.name)}`, "it in the clear");
    if (entries.some((other) => other.name === entry.name))
      throw refusal("bad-file", name, `${quoted(entry.name)} twice`, "distinct names");
    if ((total += entry.unpackedBytes) > limit)
      throw refusal("unsupported", name, `${total} bytes or more when unpacked`, `at most ${limit}`);
    entries.push(entry);
    at = next;
  }
  return entries;
}

/**
 * The content of one file of the archive. At most the declared size is allocated.
 * @throws SlonnError `bad-file` where sizes or data are wrong, `checksum` where the CRC is, `unsupported` for other methods.
 */
export function readZipEntry(bytes: Uint8Array, entry: ZipEntry, name: string): Uint8Array {
  const what = `${name}: ${quoted(entry.name)}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (entry.offset + localBytes > bytes.length || view.getUint32(entry.offset, true) !== 0x04034b50)
    throw refusal("bad-file", what, `no zip header at byte ${entry.offset}`, "one");
  const start = entry.offset + localBytes + view.getUint16(entry.offset + 26, true) + view.getUint16(entry.offset + 28, true);
  if (start + entry.packedBytes > bytes.length)
    throw refusal("bad-file", what, `${Math.max(0, bytes.length - start)} packed bytes`, entry.packedBytes);
  const packed = bytes.subarray(start, start + entry.packedBytes);
  const content = entry.method === 0 ? packed : inflate(packed, entry, what);
  if (content.length !== entry.unpackedBytes)
    throw refusal("bad-file", what, `${content.length} bytes`, `${entry.unpackedBytes} as the directory says`);
  const crc = crc32(content);
  if (crc !== entry.crc) throw refusal("checksum", what, `CRC ${crc.toString(16)}`, entry.crc.toString(16));
  return content;
}

function inflate(packed: Uint8Array, entry: ZipEntry, what: string): Uint8Array {
  if (entry.method !== 8) throw refusal("unsupported", what, `compression method ${entry.method}`, "0 (stored) or 8 (deflated)");
  try {
    const content = inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.unpackedBytes) });
    return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  } catch (cause) {
    throw new SlonnError("bad-file", `${what}: got a damaged deflate stream (${(cause as Error).message}), expected a whole one`, {
      cause,
    });
  }
}
