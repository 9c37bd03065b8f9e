// Texts in several programming languages that every checkout has: the files of packages that the lock file pins, cut into pieces of one
// length, each labelled by its file's ending. All pieces of a file go to one part, so that no part has seen another's files.

import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { projectPath } from "../../examples/networks.ts";

export interface SourceText {
  text: string;
  /** What the language is called, as a file ending. */
  language: string;
}

const packages = [
  ...["@types/node", "assemblyscript", "benchmark", "chai", "cli-table3", "es-module-lexer", "fast-check", "fflate", "jsfive", "lodash"],
  ...[
    "long",
    "pako",
    "picomatch",
    "platform",
    "publint",
    "rolldown",
    "semver",
    "typescript",
    "underscore",
    "undici-types",
    "vite",
    "vitest",
  ],
];
const languageOf: Record<string, string> = {
  ".cjs": "js",
  ".cts": "ts",
  ".js": "js",
  ".json": "json",
  ".md": "md",
  ".mjs": "js",
  ".mts": "ts",
  ".ts": "ts",
};
/** Of one file at most, evenly spread, so that large files do not drown the others. */
const mostPieces = 200;
/** Files with a longer line near their beginning are minified, and no text anyone wrote. */
const longestLine = 2000;

/** Pieces of `length` ASCII characters by part, in an order that does not depend on the file system. */
export function sourceTexts(length: number): { fit: SourceText[]; heldOut: SourceText[]; report: SourceText[] } {
  const parts = { fit: [] as SourceText[], heldOut: [] as SourceText[], report: [] as SourceText[] };
  // the same file comes in several packages, and in several forms in one
  const seen = new Set<string>();
  let file = 0;
  for (const name of packages)
    for (const path of filesIn(projectPath("node_modules", ...name.split("/")))) {
      const language = languageOf[extname(path)];
      if (!language) continue;
      const pieces = piecesOf(readFileSync(path, "latin1"), length).filter((text) => !seen.has(text));
      if (pieces.length === 0) continue;
      for (const text of pieces) seen.add(text);
      const part = (["heldOut", "fit", "heldOut", "report"] as const)[file++ % 4];
      parts[part].push(...pieces.map((text) => ({ text, language })));
    }
  return parts;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !join(entry.parentPath, entry.name).slice(folder.length).includes("node_modules"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((a, b) => (a < b ? -1 : 1));
}

function piecesOf(content: string, length: number): string[] {
  if (content.split("\n", 50).some((line) => line.length > longestLine)) return [];
  const places = Math.floor(content.length / length);
  const count = Math.min(mostPieces, places);
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * places) / count) * length;
    return content.slice(from, from + length);
  }).filter((text) => !/[^\0-\x7f]/.test(text));
}
