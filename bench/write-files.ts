// What a bench found, written down: a reader sees the file of the run before or of this one, never part of one.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeBytes } from "../src/cli/write-bytes.ts";

/** Writes files by name, each whole or not at all, into `folder`, which is made when missing. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files))
    await writeBytes(join(folder, name), typeof content === "string" ? new TextEncoder().encode(content) : content);
}
