// Reads a file the user named. Refusals name the path and the reason in words.

import { readFile, stat } from "node:fs/promises";
import { refusal, SlonnError } from "../errors.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EISDIR: "a directory",
  EACCES: "no permission",
  EPERM: "no permission",
  ERR_ACCESS_DENIED: "no permission under Node's --permission",
  EROFS: "a read-only file system",
  ENOTDIR: "a path through something that is no directory",
  ENOSPC: "a full disk",
  ENXIO: "a socket",
  ENAMETOOLONG: "a name that is too long",
  ELOOP: "links that lead in a circle",
  ERR_FS_FILE_TOO_LARGE: "a file of more than 2 GiB",
};

/** @throws SlonnError `unreadable` where it cannot be read. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    // Devices never end; pipes do, so they may be read.
    if ((await stat(path)).isCharacterDevice()) throw refusal("unreadable", path, "a device", "a file");
    const buffer = await readFile(path);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  } catch (cause) {
    if (cause instanceof SlonnError) throw cause;
    throw new SlonnError("unreadable", `${path}: got ${reasonOf(cause)}, expected a readable file`, { cause });
  }
}

/** Why something about a file failed, in words. */
export function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (cause instanceof RangeError && /allocation/i.test(message)) return "more bytes than there is memory for";
  return reasons[code ?? ""] ?? message;
}
