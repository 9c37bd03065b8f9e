// Bytes of a file the user named, and bytes written where the user said. Refusals name the path and the reason in words.

import { randomBytes } from "node:crypto";
import { access, constants, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { SlonnError } from "../errors.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EISDIR: "a directory",
  EACCES: "no permission",
  EPERM: "no permission",
  ENOTDIR: "a path through something that is no directory",
  ENOSPC: "a full disk",
  ERR_FS_FILE_TOO_LARGE: "a file of more than 2 GiB",
};

/** @throws SlonnError `unreadable` where it cannot be read. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    // A device never ends; pipes do, so they may be read.
    if ((await stat(path)).isCharacterDevice()) throw new SlonnError("unreadable", `${path}: got a device, expected a file`);
    const buffer = await readFile(path);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  } catch (cause) {
    if (cause instanceof SlonnError) throw cause;
    throw new SlonnError("unreadable", `${path}: got ${reasonOf(cause)}, expected a readable file`, { cause });
  }
}

/**
 * Refuses what cannot be written, before work that would be lost.
 * @throws SlonnError `unreadable` where the path is a folder, or its folder is missing or may not be written to.
 */
export async function checkPlace(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) throw noPlace(path, reasons.EISDIR);
  if (found && !found.isFile()) return; // a pipe or a device is written to as it is
  await access(dirname(path), constants.W_OK).catch((cause) => {
    throw noPlace(path, cause.code === "ENOENT" ? "no such folder" : reasonOf(cause), cause);
  });
}

/**
 * Writes to a temporary name beside `path` and renames it, so that a file of that name is always whole.
 * @throws SlonnError `unreadable` where it cannot be written.
 */
export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  const isOther = await stat(path).then(
    (found) => !found.isFile(),
    () => false,
  );
  const target = isOther ? path : `${path}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await writeFile(target, bytes);
    if (target !== path) await rename(target, path);
  } catch (cause) {
    if (target !== path) await rm(target, { force: true });
    throw noPlace(path, reasonOf(cause), cause);
  }
}

const noPlace = (path: string, got: string, cause?: unknown): SlonnError =>
  new SlonnError("unreadable", `${path}: got ${got}, expected a place to write to`, { cause });

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return reasons[code ?? ""] ?? message;
}
