import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { checkPlace, writeBytes } from "../../src/cli/write-bytes.ts";

/** What a file system of another machine does. */
const disk = vi.hoisted(() => ({ firstNumber: 0n, refusal: null as string | null }));
vi.mock("node:fs/promises", async (original) => {
  const own = await original<typeof import("node:fs/promises")>();
  return {
    ...own,
    async stat(path: string, options?: { bigint: boolean }) {
      const found = await own.stat(path, { bigint: true });
      const ino = disk.firstNumber + found.ino;
      return options?.bigint ? Object.assign(found, { ino }) : Object.assign(await own.stat(path), { ino: Number(ino) });
    },
    async access(path: string, mode?: number) {
      if (disk.refusal) throw Object.assign(new Error(`${disk.refusal}: refused`), { code: disk.refusal });
      return own.access(path, mode);
    },
  };
});
afterEach(() => void Object.assign(disk, { firstNumber: 0n, refusal: null }));

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "slonn-write-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string): string => join(directory, name);
const bytes = Uint8Array.of(1, 2, 3);
const written = (name: string): number[] => [...readFileSync(file(name))];

describe("writing", () => {
  test("goes through links to where they lead, and leaves nothing else behind", async () => {
    mkdirSync(file("far"));
    mkdirSync(file("near"));
    symlinkSync("far", file("away"));
    writeFileSync(file("far/there"), "old");
    symlinkSync("../away/there", file("near/link"));
    symlinkSync("link", file("near/second"));
    await checkPlace(file("near/second"));
    await writeBytes(file("near/second"), bytes);
    expect(written("far/there")).toEqual([1, 2, 3]);
    expect([readlinkSync(file("near/second")), readlinkSync(file("near/link"))]).toEqual(["link", "../away/there"]);
    expect(["", "far", "near"].map((name) => readdirSync(file(name)).sort())).toEqual([
      ["away", "far", "near"],
      ["there"],
      ["link", "second"],
    ]);
  });

  test("makes the file that a link leads to where it is not there yet", async () => {
    mkdirSync(file("far"));
    symlinkSync("far/new", file("link"));
    await checkPlace(file("link"));
    await writeBytes(file("link"), bytes);
    expect([written("far/new"), lstatSync(file("link")).isSymbolicLink()]).toEqual([[1, 2, 3], true]);
  });

  test("goes up from where a linked folder is, not from where its link stands", async () => {
    mkdirSync(file("deep/far"), { recursive: true });
    symlinkSync("deep/far", file("away"));
    symlinkSync("away/../new", file("link"));
    await writeBytes(file("link"), bytes);
    expect([written("deep/new"), lstatSync(file("link")).isSymbolicLink()]).toEqual([[1, 2, 3], true]);
  });

  test("refuses links that lead in a circle or nowhere", async () => {
    symlinkSync("b", file("a"));
    symlinkSync("a", file("b"));
    symlinkSync("missing/file", file("lost"));
    for (const step of [checkPlace, (path: string) => writeBytes(path, bytes)])
      await expect(step(file("a"))).rejects.toThrow(/a: got links that lead in a circle, expected a place to write to$/);
    await expect(checkPlace(file("lost"))).rejects.toThrow(/lost: got no such folder, expected a place to write to$/);
    await expect(checkPlace(file("missing/"))).rejects.toThrow(/missing\/: got no such folder, expected a place to write to$/);
  });

  test("refuses, before anything is written, what can be no file", async () => {
    writeFileSync(file("x.npy"), "rows");
    for (const step of [checkPlace, (path: string) => writeBytes(path, bytes)]) {
      await expect(step(file("x.npy/out"))).rejects.toThrow(/out: got a path through something that is no directory, expected a place to/);
      await expect(step(file("n".repeat(256)))).rejects.toThrow(/n: got a name that is too long, expected a place to write to$/);
    }
    expect(readdirSync(directory)).toEqual(["x.npy"]);
  });

  test("takes names as long as there may be", async () => {
    await writeBytes(file("n".repeat(255)), bytes);
    expect(readdirSync(directory)).toEqual(["n".repeat(255)]);
  });

  test.each(["600", "640", "666", "444"])("keeps mode %s of a file that was there", async (digits) => {
    const mode = Number.parseInt(digits, 8);
    writeFileSync(file("kept"), "old");
    chmodSync(file("kept"), mode);
    await writeBytes(file("kept"), bytes);
    expect([written("kept"), statSync(file("kept")).mode & 0o777]).toEqual([[1, 2, 3], mode]);
  });

  test("gives a new file the mode that new files get", async () => {
    writeFileSync(file("other"), "");
    await writeBytes(file("new"), bytes);
    expect(statSync(file("new")).mode).toBe(statSync(file("other")).mode);
  });
});

test("refuses a place that is read from, by whatever name", async () => {
  writeFileSync(file("x.npy"), "rows");
  symlinkSync("x.npy", file("link"));
  linkSync(file("x.npy"), file("twin"));
  const inputs = new Map([
    ["--labels", file("nowhere")],
    ["--data", file("x.npy")],
  ]);
  for (const name of ["x.npy", "link", "twin"])
    await expect(checkPlace(file(name), inputs)).rejects.toThrow(
      new RegExp(`${name}: got the file that --data names, expected a place to write to$`),
    );
  await checkPlace(file("y.npy"), inputs);
  await expect(checkPlace(`${directory}/./nowhere`, inputs)).rejects.toThrow(/nowhere: got the file that --labels names/);
});

test("tells apart files whose numbers no double tells apart, as on Windows", async () => {
  disk.firstNumber = 1n << 62n;
  writeFileSync(file("x.npy"), "rows");
  writeFileSync(file("y.npy"), "old outputs");
  await checkPlace(file("y.npy"), new Map([["--data", file("x.npy")]]));
  await expect(checkPlace(file("x.npy"), new Map([["--data", file("x.npy")]]))).rejects.toThrow(/got the file that --data names/);
});

test.each([
  ["EACCES", "no permission to write into its folder"],
  ["ERR_ACCESS_DENIED", "no permission under Node's --permission to write into its folder"],
  ["EROFS", "a read-only file system"],
])("a folder that nothing may be written into is named beside a file that may be: %s", async (code, got) => {
  writeFileSync(file("x.npy"), "");
  disk.refusal = code;
  await expect(checkPlace(file("x.npy"))).rejects.toThrow(new RegExp(`x.npy: got ${got}, expected a place to write to$`));
});
