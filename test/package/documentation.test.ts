// What the README and docs/ show must be so: code blocks marked `js run` or `ts run` run, links lead somewhere.
// A block runs as a file of its own, in a folder that holds `model.slonn` and `inputs.npy` and has the package installed.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeTinyModel } from "./tiny-model.ts";

const pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...markdownIn("docs")];
const blocks = pages.flatMap((page) =>
  [...readFileSync(page, "utf8").matchAll(/^```(js|ts) run\n([\s\S]*?)^```$/gm)].map(([, language, code], i) => ({
    name: `${page} block ${i + 1}`,
    language: language as "js" | "ts",
    code,
  })),
);

function markdownIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".md")).map((name) => join(folder, name));
}

const folder = mkdtempSync(join(tmpdir(), "slonn-documentation-"));
beforeAll(() => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(resolve("."), join(folder, "node_modules", "slonn"), "junction");
  writeTinyModel(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("documentation", () => {
  test("the README begins with code that runs", () => {
    expect(blocks.some(({ name }) => name === "README.md block 1")).toBe(true);
  });

  test.each(blocks)("$name runs", async ({ name, language, code }) => {
    const file = `${name.replace(/\W+/g, "-")}.mjs`;
    writeFileSync(join(folder, file), (await transform(code, { loader: language, format: "esm" })).code);
    const { status, stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
  });

  test.each(pages)("the links of %s lead somewhere", (page) => {
    const prose = readFileSync(page, "utf8").replace(/^```[\s\S]*?^```$/gm, "");
    const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]).filter((target) => !/^https?:/.test(target));
    const missing = targets.filter((target) => {
      const [path, heading] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      return !existsSync(file) || (heading !== undefined && !headingsOf(file).includes(heading));
    });
    expect(missing).toEqual([]);
  });
});

/** The anchors of a page's headings, as code hosts make them. */
function headingsOf(file: string): string[] {
  const headings = [...readFileSync(file, "utf8").matchAll(/^#+ (.*)$/gm)].map((match) => match[1]);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
