// Gzip undone with a bound on what comes out. It knows nothing of what is inside.

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { SlonnError } from "../../errors.ts";

/** The most bytes a packed file may unpack to: 1 GiB. Larger files are given unpacked. */
export const maxUnpackedBytes: number = 2 ** 30;

/**
 * The bytes inside when they are gzipped, else the bytes as they are.
 * @throws SlonnError `bad-file` where the stream is damaged, `unsupported` where more than `limit` bytes come out.
 */
export async function unpackGzip(bytes: Uint8Array, name: string, limit: number = maxUnpackedBytes): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const content = await promisify(gunzip)(bytes, { maxOutputLength: limit });
    return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new SlonnError(
        "unsupported",
        `${name}: got more than ${limit} bytes out of gzip, expected at most that many; give it unpacked`,
        { cause },
      );
    throw new SlonnError("bad-file", `${name}: got a damaged gzip stream (${(cause as Error).message}), expected a whole one`, { cause });
  }
}
