// What a bench found, written down: a reader sees the file of the run before or of this one, never part of one.

import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeBytes } from "../src/cli/write-bytes.ts";

/** Writes a file whole or not at all; its folder is made when missing. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeBytes(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
}

/** Writes files by name into `folder`, each as `writeWhole` does. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeWhole(join(folder, name), content);
}
