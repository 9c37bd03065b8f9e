// Writes a file the user named: through links, under a temporary name first, and never over what the command reads. Refusals name the path and
// the reason in words.

import { randomBytes } from "node:crypto";
import { type BigIntStats, rmSync } from "node:fs";
import { access, chmod, constants, readlink, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { SlonnError } from "../errors.ts";
import { reasonOf } from "./read-bytes.ts";

/**
 * Refuses a path that cannot be written, before any work is done that would be lost.
 * @param inputs files that are read and have to stay, or are written too, by the flag that names them
 * @throws SlonnError `unreadable` where the path is `-`, a folder or one of the inputs, or its folder is missing or not writable
 */
export async function checkPlace(path: string, inputs: ReadonlyMap<string, string> = new Map()): Promise<void> {
  if (path === "-") throw noPlace(path, "standard output, which results go to"); // a file of that name is written ./-
  const found = await statOf(path);
  if (found?.isDirectory()) throw noPlace(path, "a directory");
  if (found && !found.isFile()) return; // a pipe or a device is written to as it is
  for (const [flag, input] of inputs)
    if (found ? await isSame(found, input) : resolve(path) === resolve(input)) throw noPlace(path, `the file that ${flag} names`);
  try {
    const target = await targetOf(path);
    await access(dirname(target), constants.W_OK);
    // under Node's permission model, `access` only asks whether reading is allowed
    if (process.permission?.has("fs.write", temporaryBeside(target)) === false)
      throw Object.assign(new Error("writing is not allowed"), { code: "ERR_ACCESS_DENIED" });
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "no such folder" : reasonOf(cause);
    // the file itself may be writable, but its folder has to take the temporary one
    throw noPlace(path, reason.startsWith("no permission") ? `${reason} to write into its folder` : reason, cause);
  }
}

/**
 * Writes a temporary file beside the one that `path` leads to and renames it, so that a file of that name is always whole. Links stay links, and
 * an existing file keeps its permissions. A process that is told to end meanwhile leaves nothing behind.
 * @throws SlonnError `unreadable` where it cannot be written.
 */
export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  const found = await statOf(path);
  let temporary: string | null = null;
  const end = (signal: NodeJS.Signals): void => {
    if (temporary !== null) rmSync(temporary, { force: true });
    process.off(signal, end); // not before: told a second time, the process would end with the file still there
    process.kill(process.pid, signal);
  };
  for (const signal of endings) process.on(signal, end);
  try {
    if (found && !found.isFile()) return await writeFile(path, bytes);
    const target = await targetOf(path);
    temporary = temporaryBeside(target);
    const mode = found ? Number(found.mode) & 0o777 : undefined;
    await writeFile(temporary, bytes, { mode });
    if (mode !== undefined) await chmod(temporary, mode); // the umask is for new files only
    await rename(temporary, target);
  } catch (cause) {
    if (temporary !== null) await rm(temporary, { force: true }).catch(() => {});
    throw noPlace(path, reasonOf(cause), cause);
  } finally {
    for (const signal of endings) process.off(signal, end);
  }
}

/** Not SIGHUP: a process meant to outlive its terminal ignores it, and a listener would undo that. */
const endings: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT"];

/** Short, as the target's own name may have the greatest length allowed. */
const temporaryBeside = (target: string): string => join(dirname(target), `slonn-${randomBytes(4).toString("hex")}.tmp`);

/** Where links lead, whether or not a file is there yet. */
async function targetOf(path: string): Promise<string> {
  const folder = await realpath(path.endsWith("/") ? path : dirname(path));
  const place = join(folder, basename(path));
  const next = await readlink(place).catch(() => null);
  return next === null ? place : targetOf(isAbsolute(next) ? next : `${folder}/${next}`); // `join` would resolve `..` before following the link
}

/** @throws SlonnError `unreadable` where no file can be: links form a circle, a folder on the way is a file, a name is too long */
async function statOf(path: string): Promise<BigIntStats | null> {
  return stat(path, { bigint: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ENOENT") throw noPlace(path, reasonOf(cause), cause);
    return null;
  });
}

/** Windows uses file numbers that a double cannot tell apart. */
async function isSame({ ino, dev }: BigIntStats, other: string): Promise<boolean> {
  const found = await stat(other, { bigint: true }).catch(() => null);
  return ino === found?.ino && dev === found.dev;
}

const noPlace = (path: string, got: string, cause?: unknown): SlonnError =>
  new SlonnError("unreadable", `${path}: got ${got}, expected a place to write to`, { cause });
