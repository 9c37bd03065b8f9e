// Requests that arrive on their own time at a real session behind the queue: Poisson, in clumps (gamma) and in bursts, at rates around what
// dense can do, alone and beside co-runners, with one deadline, with a mix of objectives, and with one that changes in mid-run. Arrivals
// are drawn beforehand, the same for everybody; contenders answer them one run after another.
//
//   npm run bench:arrivals                      everything, some minutes
//   npm run bench:arrivals -- --seconds 2 --rate 3 --load none --load "memory 2" --network mnist
//   npm run bench:arrivals -- --simulated       on the simulated machine, also at loads no machine at hand can make
//
// Writes build/report/arrivals.json and a page beside it.

import { readFileSync } from "node:fs";
import { calibrated } from "../examples/calibrated.ts";
import { flagsOf, oneOf, positiveNumber } from "../examples/flags.ts";
import { loadNetwork, networkNames, projectPath } from "../examples/networks.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import { isRight } from "../src/model/rows.ts";
import type { Slo } from "../src/policy/slo.ts";
import { seeded } from "../src/random.ts";
import { type ArrivalsData, type ArrivalsRun, writeArrivals } from "./interference/arrivals-page.ts";
import { coRunnersOf, startCoRunners } from "./interference/co-runners.ts";
import { createContenders, type DeadlineContender } from "./interference/contenders.ts";
import { inputsOf } from "./interference/inputs.ts";
import { type Query, scoreOf } from "./interference/score.ts";
import { machineOf } from "./machine.ts";
import { type Arrival, arrivalsOf, gamma, lineUp, type Process, poisson, type ServedRun, serve } from "./simulated-arrivals.ts";
import { busy, createMachine, idle, medianUs, profileOf, type Recorded, type SimulatedLoad, simulateSession } from "./simulator.ts";
import { quantile } from "./statistics.ts";

sayRefusals("bench:arrivals");
const { values } = flagsOf(import.meta.filename, {
  options: {
    network: { type: "string", default: "fashion-mnist" },
    seconds: { type: "string", default: "4" },
    rate: { type: "string", multiple: true },
    load: { type: "string", multiple: true },
    simulated: { type: "boolean", default: false },
  },
});
const log = (line: string): void => void process.stderr.write(`${line}\n`);
const seconds = positiveNumber("seconds", values.seconds);
/** Multiples of what dense can answer. */
const rates = (values.rate ?? ["0.5", "1", "3"]).map((rate) => positiveNumber("rate", rate));
const simulatedLoads: Record<string, SimulatedLoad> = {
  none: idle,
  "stretch 2": busy(2, 0),
  "stretch 1.3, slices of 4 ms": busy(1.3),
  "stretch 8": busy(8, 0),
};
const loads = values.load ?? (values.simulated ? Object.keys(simulatedLoads) : ["none", "memory 2", "both 1"]);
for (const load of loads)
  if (values.simulated) oneOf("load", load, Object.keys(simulatedLoads));
  else coRunnersOf(load);
// what bench/record.ts recorded is played back
const networkName = oneOf("network", values.network, values.simulated ? ["fashion-mnist"] : networkNames);
const processes: Record<string, { process: Process; burst: number }> = {
  poisson: { process: poisson, burst: 1 },
  gamma: { process: gamma, burst: 1 },
  "on-off bursts": { process: poisson, burst: 6 },
};
/** Deadlines in multiples of dense's median; `at` is the share of the run that has passed. */
const objectives: Record<string, (denseMs: number) => (i: number, at: number) => Slo> = {
  "one deadline": (denseMs) => {
    const slo: Slo = { latencyMs: 5 * denseMs };
    return () => slo;
  },
  mixed: (denseMs) => {
    const slos: Slo[] = [
      { latencyMs: 3 * denseMs },
      { latencyMs: 20 * denseMs },
      { latencyMs: 6 * denseMs, percentile: 90 },
      { loss: 0.003 },
    ];
    return (i) => slos[i % slos.length];
  },
  "changes in mid-run": (denseMs) => {
    const [lax, tight]: Slo[] = [{ latencyMs: 20 * denseMs }, { latencyMs: 2 * denseMs }];
    return (_, at) => (at > 1 / 3 && at < 2 / 3 ? tight : lax);
  },
};
const most = 1000;

function requests(kind: string, objective: string, rate: number, denseMs: number): Arrival[] {
  const { process: drawn, burst } = processes[kind];
  const endMs = 1000 * seconds;
  const slo = objectives[objective](denseMs);
  // bursts take turns with calm, so that the mean rate is the one asked for
  const mean = rate / denseMs / ((1 + burst) / 2);
  return arrivalsOf(drawn, seeded(1), { rate: mean, endMs, burst }, (i) => ({ row: i, slo: slo(i, (i * denseMs) / rate / endMs) }));
}

/** Answers requests as they become due, on the real clock. */
async function serveNow(
  arrivals: readonly Arrival[],
  contender: DeadlineContender,
  answer: (arrival: Arrival, waitedMs: number, reservedMs: number) => boolean,
): Promise<ServedRun> {
  const line = lineUp(arrivals, most);
  const began = performance.now();
  const sinceMs = (): number => performance.now() - began;
  let yieldedMs = 0;
  while (!line.isEmpty || line.nextAtMs < Number.POSITIVE_INFINITY) {
    const turn = line.turn(sinceMs());
    if (turn) {
      const startMs = sinceMs();
      const right = answer(turn.arrival, turn.waitedMs, turn.reservedMs);
      const met = line.answered(turn.arrival, startMs, sinceMs(), right);
      contender.hear?.(met);
    }
    // the process is one of many: give signals and the collector a chance now and then
    if (sinceMs() - yieldedMs > 50) {
      await new Promise((resolve) => setImmediate(resolve));
      yieldedMs = sinceMs();
    }
  }
  return line.result(sinceMs());
}

function summarize(name: string, { served, longestLine, spanMs }: ServedRun): ArrivalsRun["contenders"][number] {
  const queries = served.map(({ tookMs, met, right }): Query => ({ tookMs: tookMs ?? Number.POSITIVE_INFINITY, met, right }));
  return { ...scoreOf(name, queries, spanMs, 0.99), longestLine, refused: served.filter(({ tookMs }) => tookMs === null).length };
}

const runs: ArrivalsRun[] = [];
function note(run: ArrivalsRun): void {
  runs.push(run);
  const { process: kind, objective, rate, load, contenders } = run;
  const dense = contenders.find(({ contender }) => contender === "dense");
  log(
    `${load}, ${kind}, ${objective}, ${rate}x: ${contenders.map(({ contender, attained, effective, longestLine }) => `${contender} ${(100 * attained).toFixed(2)}/${(100 * effective).toFixed(2)} line ${longestLine}`).join(" · ")}; goodput of ours over dense ${((contenders.find(({ contender }) => contender === "ours")?.goodputPerSecond ?? 0) / (dense?.goodputPerSecond ?? 0)).toFixed(2)}`,
  );
}

async function measureReal(): Promise<number> {
  const network = await loadNetwork(networkName);
  const model = await calibrated(network, { fresh: false, log });
  const fixedModel = await calibrated(network, { fresh: false, log, fixed: true });
  const inputs = inputsOf(network.test.rows, 4000);
  const out = new Float32Array(model.layers[model.layers.length - 1].outputs);
  const contenders = (await createContenders(model, fixedModel, 6, inputsOf(network.heldOut.rows, 256))).filter(
    ({ name }) => !name.startsWith("level ") || name === "level 5",
  );
  const right = (row: number): boolean => {
    let top = 0;
    for (let i = 1; i < out.length; i++) if (out[i] > out[top]) top = i;
    return isRight(network.test.labels, row % inputs.length, top);
  };
  for (const { run } of contenders) for (let q = 0; q < 300; q++) run(inputs[q], out, { latencyMs: 1000 }, 0, 0);
  const dense = contenders.find(({ name }) => name === "dense") ?? contenders[0];
  const times = Float64Array.from({ length: 1000 }, (_, q) => {
    const start = performance.now();
    dense.run(inputs[q], out, {}, 0, 0);
    return performance.now() - start;
  }).sort();
  const denseMs = quantile(times, 0.5);
  for (const load of loads) {
    const coRunners = await startCoRunners(coRunnersOf(load));
    for (const kind of Object.keys(processes))
      for (const objective of Object.keys(objectives))
        for (const rate of rates) {
          const arrivals = requests(kind, objective, rate, denseMs);
          const found: ArrivalsRun["contenders"] = [];
          for (const contender of contenders) {
            const { run, name } = contender;
            const served = await serveNow(arrivals, contender, ({ row, slo }, waitedMs, reservedMs) => {
              run(inputs[row % inputs.length], out, slo, waitedMs, reservedMs);
              return right(row);
            });
            found.push(summarize(name, served));
          }
          note({ process: kind, objective, rate, load, arrivals: arrivals.length, contenders: found });
        }
    await coRunners.stop();
  }
  for (const contender of contenders) contender.dispose();
  return denseMs;
}

function measureSimulated(): number {
  const recorded = JSON.parse(readFileSync(projectPath("bench", "recorded", `${networkName}.json`), "utf8")) as Recorded;
  const profile = profileOf(recorded, seeded(1));
  const last = recorded.levels.length - 1;
  const denseMs = medianUs(recorded.levels[last]) / 1000;
  for (const load of loads)
    for (const kind of Object.keys(processes))
      for (const objective of Object.keys(objectives))
        for (const rate of rates) {
          const arrivals = requests(kind, objective, rate, denseMs).map((arrival) => ({ ...arrival, row: arrival.row % recorded.rows }));
          const answer = (name: string, level: number | null): ArrivalsRun["contenders"][number] => {
            const machine = createMachine(seeded(2));
            machine.load = simulatedLoads[load];
            const session = simulateSession(recorded, machine, profile);
            return summarize(
              name,
              serve(arrivals, machine, most, ({ row, slo }, waitedMs, reservedMs) =>
                level === null ? session.run(row, slo, waitedMs, reservedMs) : session.runLevel(level, row),
              ),
            );
          };
          const contenders = [answer("dense", last), answer("exact", last - 1), answer("ours", null)];
          note({ process: kind, objective, rate, load, arrivals: arrivals.length, contenders });
        }
  return denseMs;
}

const denseMs = values.simulated ? measureSimulated() : await measureReal();
const data: ArrivalsData = {
  version: 1,
  network: networkName,
  madeAt: new Date().toISOString(),
  command: `npm run bench:arrivals${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(" ")}` : ""}`,
  machine: values.simulated ? null : machineOf(),
  denseMs,
  runs,
};
process.stdout.write(`${await writeArrivals(data, projectPath("build", "report"))}\n`);
