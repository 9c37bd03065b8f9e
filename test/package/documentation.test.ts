// What the README and the guides show must be so: every block of code runs, links lead somewhere. The blocks of a page run one after
// another in a folder of the page's own, which holds the files of guide-files.ts and has the package installed. Blocks for other runtimes
// than Node: test/runtimes/documentation.test.ts.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Block, blocksOf, pages } from "./code-blocks.ts";
import { writeGuideFiles } from "./guide-files.ts";

const blocks = pages.flatMap(blocksOf);
const folder = mkdtempSync(join(tmpdir(), "slonn-documentation-"));

beforeAll(async () => {
  mkdirSync(join(folder, "files"));
  await writeGuideFiles(join(folder, "files"));
  mkdirSync(join(folder, "node_modules", ".bin"), { recursive: true });
  symlinkSync(resolve("."), join(folder, "node_modules", "slonn"), "junction");
  symlinkSync(resolve("build/js/cli/cli.js"), join(folder, "node_modules", ".bin", "slonn"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The page's own folder, made when its first block runs. */
function folderOf({ page }: Block): string {
  const own = join(folder, page.replace(/\W+/g, "-"));
  if (!existsSync(own)) cpSync(join(folder, "files"), own, { recursive: true });
  return own;
}

/** Runs a block; what went wrong, or null. */
async function failure(block: Block): Promise<string | null> {
  const cwd = folderOf(block);
  const [program, file, code] =
    block.language === "sh"
      ? ["bash", "block.sh", `set -euo pipefail\n${block.code}`]
      : [process.execPath, "block.mjs", (await transform(block.code, { loader: block.language as "js" | "ts", format: "esm" })).code];
  writeFileSync(join(cwd, file), code);
  const { status, stdout, stderr } = spawnSync(program, [file], { cwd, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
  return status === 0 && stderr === "" ? null : `exit code ${status}\n${stdout}${stderr}`;
}

describe("documentation", () => {
  test("every block of code says where it runs, or why it does not", () => {
    expect(blocks.filter(({ runtimes, reason }) => (runtimes.length === 0) === (reason === null)).map(({ name }) => name)).toEqual([]);
    expect(blocks.filter(({ page, runtimes }) => page === "README.md" && runtimes.length > 0).length).toBeGreaterThan(4);
  });

  test("few blocks are not run, for these reasons", () => {
    const reasons = new Map<string, number>();
    for (const { reason } of blocks) if (reason !== null) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    expect(Object.fromEntries(reasons)).toEqual(notRun);
  });

  test.each(blocks.filter(({ runtimes }) => runtimes.includes("node")))(
    "$name runs",
    async (block) => {
      expect(await failure(block)).toBe(null);
    },
    240_000,
  );

  test("what the README says first of Fashion-MNIST is what its table says", () => {
    const readme = readFileSync("README.md", "utf8");
    const said = /it is ([\d.]+) times as fast as its own dense pass and ([\d.]+) times as fast as onnxruntime-node/;
    const row = /^\| Fashion-MNIST +\|[^`]+`exact`[^`]+`loss=0\.003`(.*)$/m.exec(readme)?.[1].split("|");
    const times = row?.slice(-6, -4).map((cell) => Number(cell).toFixed(1));
    expect(times).toHaveLength(2);
    expect(said.exec(readme.replace(/\s+/g, " "))?.slice(1)).toEqual(times);
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

/** Blocks that nothing runs, by what they say of it. */
const notRun = {
  "a fragment of the script it names": 1,
  "deploys; test/runtimes/edge-example.test.ts runs the same programs": 2,
  "trains networks, for which torch is needed": 4,
  "what continuous integration and the tests of these programs run": 3,
};

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
