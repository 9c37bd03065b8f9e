// Deadlines kept while other processes fight for the machine: all contenders answer the same real test rows in the same run, taking turns in
// blocks, alone and beside co-runners, which then are switched on and off in steps.
//
//   npm run bench:interference                           everything, some minutes
//   npm run bench:interference -- --queries 1000 --load "memory 4" --deadline 1
//   npm run bench:interference -- --network mnist --steps 4 --step-seconds 1      --steps 0: no steps
//
// Writes build/report/interference.json and a page beside it. Deadlines are multiples of dense's own median, measured first.

import { calibrated } from "../examples/calibrated.ts";
import { flagsOf, oneOf, positiveNumber, wholeNumber } from "../examples/flags.ts";
import { loadNetwork, networkNames, projectPath } from "../examples/networks.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import type { Slo } from "../src/policy/slo.ts";
import { createSession, type Session } from "../src/session/session.ts";
import { coRunnersOf, startCoRunners } from "./interference/co-runners.ts";
import { createContenders } from "./interference/contenders.ts";
import { inputsOf } from "./interference/inputs.ts";
import { type InterferenceData, perPoint, writeInterference } from "./interference/page.ts";
import { reactionsOf, reactionText } from "./interference/reactions.ts";
import { type Asked, beside, idleTimes, percentile, scores, takeTurns } from "./interference/turns.ts";
import { machineOf } from "./machine.ts";
import { median, quantile } from "./statistics.ts";

sayRefusals("bench:interference");
const { values } = flagsOf(import.meta.filename, {
  options: {
    network: { type: "string", default: "fashion-mnist" },
    queries: { type: "string", default: "4000" },
    load: { type: "string", multiple: true },
    deadline: { type: "string", multiple: true },
    "step-seconds": { type: "string", default: "2" },
    steps: { type: "string", default: "6" },
  },
});
const networkName = oneOf("network", values.network, networkNames);
const queries = wholeNumber("queries", values.queries, 1);
const loads = values.load ?? ["none", "compute 1", "compute 2", "compute 4", "memory 1", "memory 2", "memory 4", "both 1", "both 2"];
for (const load of loads) coRunnersOf(load);
const multiples = (values.deadline ?? ["0.25", "0.5", "1", "2"]).map((multiple) => positiveNumber("deadline", multiple));
const stepMs = 1000 * positiveNumber("step-seconds", values["step-seconds"]);
const steps = wholeNumber("steps", values.steps, 0);
const network = await loadNetwork(networkName);
const log = (line: string): void => void process.stderr.write(`${line}\n`);
const model = await calibrated(network, { fresh: false, log });
const fixedModel = await calibrated(network, { fresh: false, log, fixed: true });

const asked: Asked = {
  inputs: inputsOf(network.test.rows, 4000),
  labels: network.test.labels,
  out: new Float32Array(model.layers[model.layers.length - 1].outputs),
};

const contenders = await createContenders(model, fixedModel, 6, inputsOf(network.heldOut.rows, 256));
const idleMs = idleTimes(contenders, asked);
const denseMs = quantile(idleMs, 0.5);
log(`dense alone: p50 ${(1000 * denseMs).toFixed(1)} µs, p99 ${(1000 * quantile(idleMs, 0.99)).toFixed(1)} µs`);

/**
 * What deciding, looking at the clock and learning add to a query: the level of the fewest nodes with a deadline beside it, which every level fits,
 * against the same level in a session that knows of no deadline; the least of several runs of each input, the median over inputs.
 */
async function overheadUs(): Promise<number> {
  const least = (session: Session, slo: Slo, q: number): number =>
    Math.min(
      ...Array.from({ length: 50 }, () => {
        const start = performance.now();
        session.runInto(asked.inputs[q], asked.out, slo);
        return performance.now() - start;
      }),
    );
  const [bare, paced] = [await createSession(model), await createSession(model)];
  paced.measureLatency(inputsOf(network.heldOut.rows, 256));
  const [without, within]: Slo[] = [{ nodes: 1e-9 }, { nodes: 1e-9, latencyMs: 1000 }];
  const added = Float64Array.from({ length: 500 }, (_, q) => least(paced, within, q) - least(bare, without, q));
  for (const session of [bare, paced]) session.dispose();
  return 1000 * median(added);
}
const addedUs = await overheadUs();
log(`deciding and learning: ${addedUs.toFixed(2)} µs a query`);

const data: InterferenceData = {
  version: 1,
  network: network.name,
  madeAt: new Date().toISOString(),
  command: `npm run bench:interference${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(" ")}` : ""}`,
  machine: machineOf(),
  denseMs,
  overheadUs: addedUs,
  percentile,
  constant: [],
  steps: [],
};
for (const load of loads)
  await beside(load, async () => {
    for (const multiple of multiples) {
      const slo: Slo = { latencyMs: multiple * denseMs, percentile };
      const found = scores(await takeTurns(contenders, slo, asked, (q) => q >= queries));
      data.constant.push({ load, multiple, deadlineMs: multiple * denseMs, scores: found });
      log(
        `${load}, ${multiple}x dense: ${found.map(({ contender, attained, effective, calibration }) => `${contender} ${(100 * attained).toFixed(2)}/${(100 * effective).toFixed(2)}${calibration ? ` (p99 ${(1000 * calibration.expectedMs).toFixed(0)} expected, ${(1000 * calibration.keptMs).toFixed(0)} seen, ${(1000 * calibration.observedMs).toFixed(0)} of all, over expected ${calibration.seenOverExpected.toFixed(2)}, ${(100 * calibration.within).toFixed(2)} % within)` : ""}`).join(" · ")}`,
      );
    }
  });

if (steps > 0)
  for (const multiple of multiples) {
    const slo: Slo = { latencyMs: multiple * denseMs, percentile };
    const began = performance.now();
    const edges: { q: number; on: boolean; atMs: number }[] = [];
    let coRunners: Awaited<ReturnType<typeof startCoRunners>> | null = null;
    let step = 0;
    let at = 0;
    const switching = async (): Promise<void> => {
      while (step < steps) {
        await new Promise((resolve) => setTimeout(resolve, began + (step + 1) * stepMs - performance.now()));
        step++;
        if (step >= steps) break;
        if (coRunners === null) coRunners = await startCoRunners(coRunnersOf("both 2"));
        else {
          await coRunners.stop();
          coRunners = null;
        }
        edges.push({ q: at, on: coRunners !== null, atMs: performance.now() });
      }
      await coRunners?.stop();
    };
    const running = switching();
    const tallies = await takeTurns(contenders, slo, asked, (q) => {
      at = q;
      return step >= steps;
    });
    await running;
    data.steps.push({
      multiple,
      deadlineMs: multiple * denseMs,
      scores: scores(tallies),
      edges,
      reactions: tallies.map(({ contender, queries: all }) => ({ contender: contender.name, steps: reactionsOf(all, edges) })),
      blocks: tallies.map(({ contender, queries: all }) => ({
        contender: contender.name,
        attained: Array.from(
          { length: Math.floor(all.length / perPoint) },
          (_, b) => all.slice(b * perPoint, (b + 1) * perPoint).filter(({ met }) => met).length / perPoint,
        ),
      })),
    });
    log(
      `steps, ${multiple}x dense: ${scores(tallies)
        .map(({ contender, attained, effective }) => `${contender} ${(100 * attained).toFixed(2)}/${(100 * effective).toFixed(2)}`)
        .join(" · ")}`,
    );
    for (const { contender, steps: taken } of data.steps.at(-1)?.reactions ?? []) log(`  ${contender}: ${reactionText(taken)}`);
  }
for (const contender of contenders) contender.dispose();

process.stdout.write(`${await writeInterference(data, projectPath("build", "report"))}\n`);
