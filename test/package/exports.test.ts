// The package as others get it: packed, installed into an empty folder, every door imported and used, the executable run.

import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeTinyModel } from "./tiny-model.ts";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const folder = mkdtempSync(join(tmpdir(), "slonn-package-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Packed {
  filename: string;
  size: number;
  unpackedSize: number;
  files: { path: string }[];
}

let packed: Packed;
beforeAll(() => {
  // without scripts: a rebuild would pull build/ away from under other tests
  const output = npm(resolve("."), "pack", "--json", "--ignore-scripts", "--pack-destination", folder);
  packed = JSON.parse(output)[0];
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "someone-elses", private: true }));
  npm(folder, "install", "--prefer-offline", "--no-audit", "--no-fund", join(folder, packed.filename));
  writeTinyModel(folder);
});

function npm(cwd: string, ...args: string[]): string {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], shell: process.platform === "win32" });
}

/** Runs a program in the folder; what it prints. */
function program(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  const { status, stdout, stderr } = spawnSync(process.execPath, [name], { cwd: folder, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout.trim();
}

describe("the tarball", () => {
  test("holds the build, the README, the licence, and nothing else", () => {
    const paths = packed.files.map(({ path }) => path);
    for (const path of ["README.md", "LICENSE", "CHANGELOG.md", "build/third-party-licences.txt"]) expect(paths).toContain(path);
    const expected =
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|build\/third-party-licences\.txt|build\/slonn-simd\.wasm|build\/js\/.*\.(js|d\.ts))$/;
    expect(paths.filter((path) => !expected.test(path))).toEqual([]);
    // declarations that no door leads to are left out
    expect(paths.filter((path) => /\/(cli|import)\/.*\.d\.ts$/.test(path))).toEqual(
      ["import", "keras", "onnx", "pytorch", "tfjs"].map((name) => `build/js/import/${name}.d.ts`),
    );
  });

  test("is at most 250 kB, 800 kB unpacked", () => {
    console.log(`tarball: ${packed.size} bytes, ${packed.unpackedSize} unpacked, ${packed.files.length} files`);
    expect(packed.size).toBeLessThanOrEqual(250_000);
    expect(packed.unpackedSize).toBeLessThanOrEqual(800_000);
  });

  test("asks for a Node that has process.getBuiltinModule and require() of ES modules: 21 and 22 up to 22.11 have not both", () => {
    expect(manifest.engines.node).toBe("^20.19 || >=22.12");
    expect(JSON.parse(readFileSync("package-lock.json", "utf8")).packages[""].engines).toEqual(manifest.engines);
  });

  test("has nothing publint would change", async () => {
    const { messages } = await publint({ pkgDir: join(folder, "node_modules", manifest.name), pack: false, strict: true });
    expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
  });

  test("has types that are not wrong, wherever ES modules are resolved", async () => {
    const tarball = createPackageFromTarballData(readFileSync(join(folder, packed.filename)));
    const analysis = await checkPackage(tarball);
    if (!analysis.types) throw new Error("the tarball: got no types, expected some");
    // an ES module alone, on purpose: require() of one works in every Node supported, and resolution without exports is not
    const resolved = ["node16-esm", "bundler"];
    const problems = analysis.problems.filter((problem) => !("resolutionKind" in problem) || resolved.includes(problem.resolutionKind));
    expect(problems).toEqual([]);
  });
});

/** How each door of the export map is tried: a program that prints one word when the door works. */
const doors: Record<string, string> = {
  ".": `
    import { createSession, loadModel, SlonnError } from "slonn";
    const session = await createSession(await loadModel("model.slonn"));
    const { output, report } = session.run(new Float32Array(6).fill(1), { loss: 0.003 });
    let code;
    try { session.run([1]); } catch (error) { code = error instanceof SlonnError && error.code; }
    console.log(output.top(3).length === 3 && report.macs > 0 && code === "bad-input" ? "works" : code);`,
  "./import": `
    import { readFileSync } from "node:fs";
    import { importModel } from "slonn/import";
    const model = await importModel({ name: "model.slonn", bytes: readFileSync("model.slonn") });
    console.log(model.layers.length === 2 ? "works" : model.layers.length);`,
  "./calibrate": `
    import { loadModel } from "slonn";
    import { calibrate, encodeModel } from "slonn/calibrate";
    const model = await loadModel("model.slonn");
    const rows = { kind: "dense", count: 600, width: 6, data: Float32Array.from({ length: 3600 }, (_, i) => Math.sin(i)) };
    const calibrated = await calibrate(model, { rows, maxLoss: 0.05, cost: "macs" });
    const again = await loadModel(encodeModel(calibrated));
    console.log(again.layers.length === 2 ? "works" : again.layers.length);`,
  "./kernels": `
    import { createKernels } from "slonn/kernels";
    const { denseRows, backend } = await createKernels();
    const y = denseRows(Float32Array.of(1, 2, 3, 4), Float32Array.of(10, 20), Float32Array.of(1, 1));
    console.log(backend === "simd" && y.join() === "13,27" ? "works" : y);`,
  "./worker": `
    import { createWorkerSession } from "slonn/worker";
    const session = await createWorkerSession("model.slonn");
    const { output } = await session.run(new Float32Array(6).fill(1), { exact: true });
    session.dispose();
    console.log(output.top(3).length === 3 ? "works" : output.top(3).length);`,
  "./queue": `
    import { createSession, loadModel } from "slonn";
    import { createQueue } from "slonn/queue";
    import { createWorkerSession } from "slonn/worker";
    const here = createQueue(await createSession(await loadModel("model.slonn")));
    const there = createQueue([() => createWorkerSession("model.slonn"), () => createWorkerSession("model.slonn")]);
    const answers = await Promise.all([here, there, there].map((queue) => queue.run(new Float32Array(6), { latencyMs: 1000 })));
    console.log(answers.every(({ output }) => output.top(3).length === 3) ? "works" : "answers missing");
    here.close();
    there.close();`,
  "./load": `
    import { watchPressure } from "slonn/load";
    const watch = watchPressure({ everyMs: 10 });
    console.log(Number.isNaN(watch.pressure()) ? "works" : watch.source);`,
  "./worker-thread": `
    import { createWorkerSession } from "slonn/worker";
    const session = await createWorkerSession("model.slonn", { worker: new URL(import.meta.resolve("slonn/worker-thread")) });
    const { output } = await session.run(new Float32Array(6).fill(1), { exact: true });
    session.dispose();
    console.log(output.top(3).length === 3 ? "works" : output.top(3).length);`,
  "./kernels.wasm": `
    import { readFileSync } from "node:fs";
    import { createSession, loadModel } from "slonn";
    const module = new WebAssembly.Module(readFileSync(new URL(import.meta.resolve("slonn/kernels.wasm"))));
    const session = await createSession(await loadModel("model.slonn"), { module });
    session.run(new Float32Array(6));
    console.log(session.backend === "simd" ? "works" : session.backend);`,
  "./package.json": `
    import { createRequire } from "node:module";
    console.log(createRequire(import.meta.url)("slonn/package.json").name === "slonn" ? "works" : "another name");`,
};

describe("the doors", () => {
  test("are tried here, all of them", () => {
    expect(Object.keys(doors)).toEqual(Object.keys(manifest.exports));
  });

  test.each(Object.entries(doors))("%s", (door, text) => {
    expect(program(`door-${door.replace(/\W/g, "-")}.mjs`, text)).toBe("works");
  });

  test("can be required from CommonJS", () => {
    const names = Object.keys(doors).filter((door) => !/\.(wasm|json)$|worker-thread/.test(door));
    const requires = names.map((door) => `require(${JSON.stringify(door.replace(/^\./, "slonn"))})`);
    // Node 20 and 22 print a warning that require() of an ES module is experimental
    const text = `process.removeAllListeners("warning");
      const [{ loadModel, createSession }, ...others] = [${requires}];
      loadModel("model.slonn").then(createSession).then((session) => {
        console.log(session.run(new Float32Array(6)).output.top(1).length + others.length);
      });`;
    expect(program("door.cjs", text)).toBe(String(names.length));
  });

  test("are closed to everything else", () => {
    const text = `import("slonn/build/js/session/session.js").catch((error) => console.log(error.code));`;
    expect(program("closed.mjs", text)).toBe("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });
});

describe("the executable", () => {
  const slonn = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(join(folder, "node_modules/.bin/slonn"), args, {
      cwd: folder,
      encoding: "utf8",
      shell: process.platform === "win32",
    });
    return { status, stdout, stderr };
  };

  test("explains itself", () => {
    expect(slonn("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("usage: slonn <command>"), stderr: "" });
    expect(slonn("--version")).toEqual({ status: 0, stdout: `${manifest.version}\n`, stderr: "" });
  });

  test("says in one line that its output could not be written", () => {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(join(folder, "node_modules/.bin/slonn"), ["inspect", "model.slonn"], {
      cwd: folder,
      stdio: ["ignore", full, "pipe"],
    });
    closeSync(full);
    expect([status, String(stderr)]).toEqual([1, expect.stringMatching(/^slonn: stdout: got .*ENOSPC.*, expected a place to write to\n$/)]);
  });

  test("inspects and runs a model", () => {
    expect(slonn("inspect", "model.slonn")).toMatchObject({ status: 0, stdout: expect.stringContaining("6-32-10"), stderr: "" });
    const { status, stdout, stderr } = slonn("run", "model.slonn", "--data", "inputs.npy", "--slo", "exact", "--json");
    expect([status, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject({ samples: 20, runs: [{ slo: "exact", agreement: 1 }] });
    expect(slonn("run", "model.slonn", "--data", "inputs.npy").stdout).toContain("dense");
  });

  test("refuses with one line, 1 for a file and 2 for usage", () => {
    expect(slonn("inspect", "nowhere.slonn")).toEqual({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^slonn: nowhere\.slonn: [^\n]*\n$/),
    });
    expect(slonn("polish", "model.slonn")).toEqual({
      status: 2,
      stdout: "",
      stderr: expect.stringMatching(/^slonn: got command "polish"[^\n]*\n$/),
    });
  });
});
