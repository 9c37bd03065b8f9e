// The evaluation: every claim of arXiv 2204.08400's abstract made again on real data, beside the peers a user would otherwise pick.
// Writes evaluation.md and scaling.md, the plots they show and the JSON both are made of; raw times go to build/evaluation.
//
//   npm run evaluate                                        everything, into docs/
//   npm run evaluate -- --quick                             a smaller version, into build/evaluation; --tiny: the smallest, as tests run it
//   npm run evaluate -- --part networks --network brown     one part again; the others stay as they are
//   npm run evaluate -- --part pages                        the pages again, of what was measured before
//   npm run evaluate -- --no-peers --out build/mine         without the others, into a folder of one's own
//
// What is done is written at once, and a part that fails loses only itself.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { flagsOf, oneOf } from "../examples/flags.ts";
import { projectPath } from "../examples/networks.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import { calibrate } from "../src/calibrate/calibrate.ts";
import { firstLabelled } from "../src/model/rows.ts";
import { encodeModel } from "../src/model/slonn-file.ts";
import { raceInChromium } from "./evaluate/browser.ts";
import { checkCertificates } from "./evaluate/certificates.ts";
import { withCircumstances } from "./evaluate/circumstances.ts";
import { measureCold } from "./evaluate/cold.ts";
import type { Cold, Evaluation, SizeName } from "./evaluate/evaluation.ts";
import { evaluateInterference } from "./evaluate/interference.ts";
import { evaluateNetwork, type Found, promised, type Subject } from "./evaluate/network.ts";
import { writePages } from "./evaluate/pages.ts";
import { measureScaling } from "./evaluate/scaling.ts";
import { sizes } from "./evaluate/sizes.ts";
import { type Source, sourcesOf } from "./evaluate/subjects.ts";
import { raceWideHead } from "./evaluate/wide-head.ts";
import { machineOf } from "./machine.ts";
import { versionOf } from "./peers/install.ts";
import { peerNames } from "./peers/peers.ts";
import { writeFiles } from "./write-files.ts";

const partNames = ["networks", "certificates", "interference", "scaling", "head", "browser", "pages"] as const;
sayRefusals("evaluate");
const { values } = flagsOf(import.meta.filename, {
  options: {
    quick: { type: "boolean", default: false },
    tiny: { type: "boolean", default: false },
    network: { type: "string", multiple: true },
    part: { type: "string", multiple: true },
    "no-peers": { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const sizeName: SizeName = values.tiny ? "tiny" : values.quick ? "quick" : "full";
const size = { ...sizes[sizeName], ...(values["no-peers"] ? { peers: false } : {}) };
const out = values.out ?? (sizeName === "full" ? projectPath("docs") : projectPath("build", "evaluation"));
const started = performance.now();
const log = (line: string): void =>
  void process.stderr.write(`${((performance.now() - started) / 60_000).toFixed(1).padStart(5)} min  ${line}\n`);

for (const part of values.part ?? []) oneOf("part", part, partNames);
const wants = (part: (typeof partNames)[number]): boolean => !values.part || values.part.includes(part);
const everySource = sourcesOf(size, sizeName === "full");
const sourceNames = everySource.map(({ name }) => name);
const wantedNames = values.network?.map((name) => oneOf("network", name, sourceNames)) ?? sourceNames;
const sources = everySource.filter(({ name }) => wantedNames.includes(name));

const evaluation = begin();

/** Runs one part and keeps what it found; a failure is kept instead. */
async function attempt(what: string, measure: () => Promise<void>): Promise<void> {
  evaluation.failed = evaluation.failed.filter((one) => one.what !== what);
  try {
    await measure();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log(`${what}: failed, ${message}`);
    evaluation.failed.push({ what, message });
  }
  await writePages(evaluation, out);
}

/** A fresh start, or what an earlier run of the same size left where only parts are asked for. */
function begin(): Evaluation {
  const path = join(out, "evaluation", "evaluation.json");
  const { version } = JSON.parse(readFileSync(projectPath("package.json"), "utf8")) as { version: string };
  const versions = {
    slonn: version,
    ...(size.peers
      ? Object.fromEntries(["onnxruntime-node", "onnxruntime-web", "@tensorflow/tfjs-backend-wasm"].map((name) => [name, versionOf(name)]))
      : {}),
  };
  const facts = {
    version: 2 as const,
    command: `npm run evaluate${sizeName === "full" ? "" : ` -- --${sizeName}`}`,
    size: sizeName,
    machine: machineOf(),
    versions,
  };
  const nothing = { networks: [], certificates: [], interference: [], scaling: null, head: null, browser: null, failed: [] };
  if ((values.part || values.network) && existsSync(path)) {
    const earlier = JSON.parse(readFileSync(path, "utf8")) as Evaluation;
    if (earlier.size === sizeName && earlier.version !== facts.version)
      throw new Error(`${path}: got version ${earlier.version}, expected ${facts.version}; all of it has to be measured again`);
    if (earlier.size === sizeName) return { ...nothing, ...earlier, ...facts, machine: earlier.machine };
  }
  return { ...nothing, ...facts };
}

/** In place of the one of that name, else behind the others. */
function put<T>(list: T[], one: T, nameOf: (item: T) => string): void {
  const at = list.findIndex((item) => nameOf(item) === nameOf(one));
  if (at < 0) list.push(one);
  else list[at] = one;
}

async function network({ name, load }: Source): Promise<void> {
  const found = await withCircumstances(async (): Promise<Found> => evaluateNetwork(await load(), size, log));
  const { part, model, samples, ...circumstances } = found;
  const folder = projectPath("build", "evaluation");
  const raw = samples.map(({ name: contender, runs }) => ({
    contender,
    runsMs: runs.map((run) => Array.from(run, (ms) => Number(ms.toPrecision(5)))),
  }));
  await writeFiles(folder, { [`${name}.slonn`]: encodeModel(model), [`${name}-samples.json.gz`]: gzipSync(JSON.stringify(raw)) });
  const measured = { ...part, cold: [] as Cold[], ...circumstances };
  put(evaluation.networks, measured, (one) => one.name);
  await attempt(`cold starts of ${name}`, async () => {
    log(`${name}: cold starts`);
    const contenders = ["slonn", ...(size.peers ? peerNames.filter((peer) => !peer.includes("native")) : [])];
    measured.cold = measureCold(contenders, join(folder, `${name}.slonn`), size.coldStarts);
  });
}

async function certificates(subject: Subject): Promise<void> {
  const { resamples, population } = size.certificates;
  const drawnFrom = { ...subject, heldOut: firstLabelled(subject.heldOut, population) };
  put(evaluation.certificates, await withCircumstances(() => checkCertificates(drawnFrom, resamples, log)), (one) => one.network);
}

async function interference({ name, model, fit, heldOut, report }: Subject): Promise<void> {
  if (!heldOut.labels || !report.labels) throw new Error(`${name}: got no labels, expected some to be right about`);
  const { rows, labels } = report;
  log(`${name}: calibrating for deadlines, with levels that grow and without`);
  const options = { ...heldOut, fitRows: fit, maxLoss: promised };
  const growing = await calibrate(model, options);
  const fixed = await calibrate(model, { ...options, growing: false });
  const measured = await withCircumstances(() =>
    evaluateInterference({ name, model: growing, heldOut: heldOut.rows, report: { rows, labels } }, fixed, size.interference, log),
  );
  put(evaluation.interference, measured, (one) => one.network);
}

if (wants("networks")) for (const source of sources) await attempt(source.name, () => network(source));
for (const source of sources) {
  if (wants("certificates") && size.certificates.networks.some((name) => name === source.name))
    await attempt(`certificates of ${source.name}`, async () => certificates(await source.load()));
  if (wants("interference") && size.interference.networks.some((name) => name === source.name))
    await attempt(`interference of ${source.name}`, async () => interference(await source.load()));
}
if (wants("scaling"))
  await attempt("scaling", async () => {
    evaluation.scaling = await withCircumstances(() => measureScaling(size.scaling, log));
  });
const { head } = size;
if (wants("head") && head)
  await attempt(`head of ${head.labels} labels`, async () => {
    evaluation.head = await withCircumstances(() => raceWideHead(head, size.peers, log));
  });
for (const { name, load } of sources)
  if (wants("browser") && name === size.browser)
    await attempt("browser", async () => {
      const subject = await load();
      evaluation.browser = await withCircumstances(() => raceInChromium(subject, log));
    });
await writePages(evaluation, out);
log("done");
process.stdout.write(`${join(out, "evaluation.md")}\n`);
if (evaluation.failed.length > 0) process.exitCode = 1;
