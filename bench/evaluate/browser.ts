// One network in a page of a real browser, beside the engines that run there: slonn, onnxruntime-web, tfjs-backend-wasm and LiteRT.js
// answer the same rows in turns, one thread each, twice.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { projectPath } from "../../examples/networks.ts";
import { calibrate } from "../../src/calibrate/calibrate.ts";
import { forward } from "../../src/model/forward.ts";
import { floatWeights } from "../../src/model/model.ts";
import { rowOf } from "../../src/model/rows.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { transposed } from "../../src/model/transposed.ts";
import { seeded } from "../../src/random.ts";
import { openPage } from "../chromium-page.ts";
import { ensurePeers, peersFolder, versionOf } from "../peers/install.ts";
import { writeOnnx } from "../peers/write-onnx.ts";
import { writeTflite } from "../peers/write-tflite.ts";
import { median, ratioOfMedians } from "../statistics.ts";
import type { BrowserPart, Circumstances } from "./evaluation.ts";
import { promised, type Subject } from "./network.ts";
import { ratioOf } from "./ratios.ts";

const rowCount = 400;
/** Chromium's clock steps by a tenth of a millisecond, so blocks are long; the first race, like the second, has so many of each. */
const blocks = { rounds: 40, count: 400, settle: 200 };
/** How far an engine's outputs may be from dense's, as a share of the largest. */
const tolerance = 1e-4;
const level = `loss=${promised}`;

export async function raceInChromium(subject: Subject, log: (line: string) => void): Promise<Omit<BrowserPart, keyof Circumstances>> {
  await ensurePeers(log);
  const { name, fit, heldOut, report, model } = subject;
  log(`browser: calibrating ${name}`);
  const calibrated = await calibrate(model, { ...heldOut, fitRows: fit, maxLoss: promised });
  const { layers } = model;
  const [width, outputs] = [layers[0].inputs, layers[layers.length - 1].outputs];
  const rows = Array.from({ length: Math.min(rowCount, report.rows.count) }, (_, r) => rowOf(report.rows, r) as Float32Array);
  const served: Record<string, Uint8Array> = {
    "/program.js": await bundled(),
    "/model.slonn": encodeModel(calibrated),
    "/model.onnx": writeOnnx(model),
    "/model.tflite": writeTflite(model),
    "/rows.bin": bytesOf(rows),
    "/expected.bin": bytesOf(rows.map((row) => Float32Array.from(forward(model, row)))),
    "/weights.bin": bytesOf(layers.flatMap((layer) => [transposed(floatWeights(layer), layer.outputs, layer.inputs), layer.bias])),
  };
  const folder = mkdtempSync(join(tmpdir(), "slonn-browser-"));
  for (const [path, bytes] of Object.entries(served)) writeFileSync(join(folder, path), bytes);
  const packages = join(peersFolder(), "node_modules");
  const folders: Record<string, string> = {
    "/ort/": join(packages, "onnxruntime-web", "dist"),
    "/tfjs/": join(packages, "@tensorflow", "tfjs-backend-wasm", "dist"),
    "/litert/": join(packages, "@litertjs", "core", "wasm"),
  };
  const page = `<!doctype html><title>engines</title><link rel="icon" href="data:,"><script type="module" src="/program.js"></script>`;
  const { tab, browser, close } = await openPage(page, (path) => {
    const start = Object.keys(folders).find((one) => path.startsWith(one));
    return start ? join(folders[start], path.slice(start.length)) : join(folder, path);
  });
  try {
    await tab.waitForFunction("globalThis.isReady");
    const plan = {
      width,
      outputs,
      slos: [
        ["dense", { dense: true }],
        [level, { loss: promised }],
      ],
      layers: layers.map(({ inputs, outputs: nodes, activation }) => ({ inputs, outputs: nodes, activation })),
    };
    const found = await tab.evaluate<BrowserPart["checked"]>(`prepare(${JSON.stringify(plan)})`);
    const whole = found.filter((one) => one.name === level || (one.off !== null && one.off <= tolerance)).map((one) => one.name);
    for (const { name: engine, off, failed } of found)
      if (!whole.includes(engine)) log(`browser: ${engine} left out, ${failed ?? `off by ${off}`}`);
    log(`browser: ${whole.join(", ")}, ${blocks.rounds} blocks of ${blocks.count} queries each, twice`);
    const raced = () => tab.evaluate<Record<string, number[]>>(`raceBlocks(${JSON.stringify(whole)}, ${JSON.stringify(blocks)})`);
    const [first, second] = [await raced(), await raced()];
    const times = (of: Record<string, number[]>, engine: string) => Float64Array.from(of[engine]);
    return {
      network: name,
      browser: `Chromium ${browser.version()}`,
      versions: Object.fromEntries(
        ["onnxruntime-web", "@tensorflow/tfjs-backend-wasm", "@litertjs/core"].map((one) => [one, versionOf(one)]),
      ),
      blocks,
      checked: found,
      contenders: whole.map((engine) => ({ name: engine, us: median(times(first, engine)) })),
      ratios: whole
        .filter((engine) => engine !== level)
        .map((slower) => {
          const [one, other] = [first, second].map((race) => ratioOfMedians(times(race, slower), times(race, level), seeded(1)));
          return ratioOf(slower, level, one, other);
        }),
    };
  } finally {
    await close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function bytesOf(arrays: readonly Float32Array[]): Uint8Array {
  return Buffer.concat(arrays.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)));
}

/** The page's program with every engine's JavaScript in one file. */
async function bundled(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [projectPath("bench", "runtimes", "engines-page.js")],
    bundle: true,
    format: "esm",
    write: false,
    nodePaths: [join(peersFolder(), "node_modules")],
    alias: { slonn: projectPath("build", "js", "index.js") },
    external: ["node:*", "fs", "path"],
    logLevel: "silent",
  });
  return outputFiles[0].contents;
}
