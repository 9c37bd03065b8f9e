// Records what a calibrated network's levels take, input by input and rung by rung, with the machine's own noise taken out as far as it
// goes (the least of several runs): the service times that the simulator plays back. Writes bench/recorded/<network>.json.
//
//   npm run --silent build:tools && node build/tools/bench/record.js [fashion-mnist]

import { calibrated } from "../examples/calibrated.ts";
import { flagsOf, oneOf } from "../examples/flags.ts";
import { loadNetwork, networkNames, projectPath } from "../examples/networks.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import { ROW_WORDS, WORD_UNITS } from "../src/engine/generated/abi.ts";
import { isRight, rowOf } from "../src/model/rows.ts";
import { decodeLadder } from "../src/profile/decode-ladder.ts";
import { writeAll } from "../src/session/answers.ts";
import { writeInput } from "../src/session/input.ts";
import { layOut } from "../src/session/level-run.ts";
import type { Recorded } from "./simulator.ts";
import { writeWhole } from "./write-files.ts";

const rows = 400;
const repeats = 9;
/** At most this many levels, evenly over the ladder's accuracy; exact and dense are always among them. */
const mostLevels = 10;

sayRefusals("record");
const { positionals } = flagsOf(import.meta.filename, { allowPositionals: true });
const name = oneOf("network", positionals[0] ?? "fashion-mnist", networkNames);
const network = await loadNetwork(name);
const model = await calibrated(network, { fresh: false, log: (line) => void process.stderr.write(`${line}\n`) });
const ladder = decodeLadder(model);
if (ladder === null) throw new Error(`${name}: got no levels, expected a calibrated model`);
const accuracy = (i: number): number => ladder.levels[i].observed.accuracy ?? ladder.levels[i].observed.agreement;
const useful = ladder.levels.map((_, i) => i).filter((i, _, all) => all.every((j) => j >= i || accuracy(j) < accuracy(i)));
const step = Math.max(1, (useful.length - 1) / (mostLevels - 1));
const chosen = [
  ...new Set([
    ...Array.from({ length: mostLevels }, (_, n) => useful[Math.min(useful.length - 1, Math.round(n * step))]),
    ladder.levels.length - 2,
    ladder.levels.length - 1,
  ]),
].sort((a, b) => a - b);
const levels = chosen.map((i) => ladder.levels[i]);
const live = await layOut(model, levels, {});
const { outputs } = model.layers[model.layers.length - 1];
const out = new Float32Array(outputs);

const recorded: Recorded = {
  network: name,
  rows,
  levels: live.runs().map((run, i) => {
    const { points, engine, plan, words } = run;
    const us = points.map(() => new Array<number>(rows).fill(Number.POSITIVE_INFINITY));
    const stops = new Array<number>(rows).fill(points.length - 1);
    const rungEnds = points.flatMap(({ rung }, p) => (points[p + 1]?.rung !== rung ? [p] : []));
    const right = rungEnds.map(() => new Array<number>(rows).fill(0));
    for (let repeat = 0; repeat < repeats; repeat++)
      for (let r = 0; r < rows; r++) {
        let row = writeInput(rowOf(network.test.rows, r), live.input, plan);
        let before = performance.now();
        stops[r] = points.length - 1;
        for (let p = 0; p < points.length; p++) {
          if (points[p].row > row) row = engine.execute(plan.address, row, points[p].row);
          const now = performance.now();
          us[p][r] = Math.min(us[p][r], Math.round((now - before) * 1e4) / 10);
          const end = rungEnds.indexOf(p);
          if (end >= 0) {
            writeAll(run, points[p].row, out, Number.NEGATIVE_INFINITY);
            right[end][r] = isRight(network.test.labels, r, out.indexOf(Math.max(...out))) ? 1 : 0;
            if (p < stops[r] && words[(points[p].row - 1) * ROW_WORDS + WORD_UNITS] !== 0) stops[r] = p;
          }
          before = performance.now();
        }
      }
    const { rungs, cost, observed, certificates } = levels[i];
    return {
      level: { rungs, cost, observed, certificates },
      points: points.map(({ rung, layer, answered }) => ({ rung, layer, answered })),
      us,
      stops,
      right: right.map((answers) => answers.join("")),
    };
  }),
};
await writeWhole(projectPath("bench", "recorded", `${name}.json`), `${JSON.stringify(recorded)}\n`);
