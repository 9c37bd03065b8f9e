// The code in the README and the guides, block by block. The first word after the fence is the language; what follows says where the
// block is run, so that none goes untested unnoticed:
//
//   ```sh run                     in the page's folder, by bash
//   ```js run                     by Node, as a file in the page's folder
//   ```js run=node,deno,bun       by those too, in test/runtimes
//   ```sh not-run="why not"       nowhere

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Block {
  /** For people: page and line. */
  name: string;
  page: string;
  language: string;
  code: string;
  /** Empty where the block is not run. */
  runtimes: string[];
  /** Why it is not run; null where it is, or where nothing is said. */
  reason: string | null;
}

/** Everything written for readers. */
export const pages: string[] = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...markdownIn("docs"),
  ...readdirSync("examples").flatMap((folder) => markdownIn(join("examples", folder))),
];

/** Blocks in these languages, or in none, are for eyes. */
const shown = new Set(["json", "md"]);

/** The blocks of a page that are code. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(page, "utf8");
  return [...text.matchAll(/^```(\w+)(.*)\n([\s\S]*?)^```$/gm)]
    .filter(([, language]) => !shown.has(language))
    .map(({ 1: language, 2: more, 3: code, index }) => {
      const runtimes = /(?:^|\s)run(?:=([\w,]+))?(?:\s|$)/.exec(more);
      const [, reason = null] = /(?:^|\s)not-run="([^"]+)"/.exec(more) ?? [];
      return {
        name: `${page}:${text.slice(0, index).split("\n").length}`,
        page,
        language,
        code,
        runtimes: runtimes ? (runtimes[1]?.split(",") ?? ["node"]) : [],
        reason,
      };
    });
}

function markdownIn(folder: string): string[] {
  try {
    return readdirSync(folder, { encoding: "utf8", recursive: folder === "docs" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name));
  } catch (error) {
    if ((error as { code?: string }).code === "ENOTDIR") return [];
    throw error;
  }
}
