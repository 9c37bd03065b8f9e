// How near chosen nodes come to the ideal: 1/k of the nodes in 1/k of a dense pass's time. Dense and chosen rows take turns in one run.
// Every query has a selection of its own, so that what it reads was not read just before. There are two dense passes to compare with: over the
// same rows, and over panels of 16, which stream faster than rows can be fetched here and there.
//
//   npm run bench:rows

import { pathToFileURL } from "node:url";
import Table from "cli-table3";
import { flagsOf } from "../examples/flags.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import type { Contender } from "../src/cli/measure.ts";
import * as abi from "../src/engine/generated/abi.ts";
import { reserveList } from "../src/engine/list.ts";
import { createMemoryPlan, reserveFloats } from "../src/engine/memory-plan.ts";
import { type Row, reservePlan } from "../src/engine/plan-writer.ts";
import { placeMatrix } from "../src/model/place.ts";
import type { Rows } from "../src/model/rows.ts";
import { seeded } from "../src/random.ts";
import { chosenOf, chosenScores } from "./chosen-scores.ts";
import { race, speedUp } from "./race.ts";

/** [outputs, inputs] */
const shapes = [
  [1024, 784],
  [1024, 1024],
  [4096, 784],
  [4096, 4096],
] as const;
const shares = [0.01, 0.02, 0.05, 0.1, 0.2] as const;
/** Selections of one share, which take turns. */
const selections = 64;

interface SelectedRows {
  shape: string;
  share: number;
  /** Time of dense rows over that of the chosen ones, and its share of the ideal, nodes over chosen nodes. */
  overRows: OfIdeal;
  overPanels: OfIdeal;
}

interface OfIdeal {
  speedUp: number;
  share: number;
  /** Bounds of `share`, 95 %. */
  low: number;
  high: number;
}

/** One layer: as many selections of every share as take turns, and what `queries` of each made of it. */
async function raceSelectedRows(outputs: number, inputs: number, queries: number): Promise<SelectedRows[]> {
  const random = seeded(1);
  const memory = createMemoryPlan();
  const weight = new Float32Array(outputs * inputs).map(() => random() - 0.5);
  const matrix = placeMatrix(memory, weight, outputs, inputs);
  const bias = reserveFloats(memory, outputs, new Float32Array(outputs));
  const x = reserveFloats(memory, inputs, new Float32Array(inputs).fill(1));
  const out = reserveFloats(memory, outputs);
  const found = reserveList(memory, outputs);
  const blocks = reserveList(memory, Math.ceil(inputs / abi.BLOCK));
  const preparations: Row[] = [[abi.BLOCKS, x, inputs, blocks]];
  const select = (share: number): number => {
    const chosen = reserveList(memory, outputs);
    const scores = reserveFloats(memory, outputs, chosenScores(outputs, share, random));
    preparations.push([abi.THRESHOLD, scores, outputs, { float: 0.5 }, { float: 2 }, chosen]);
    const { rowStride } = matrix;
    return reservePlan(memory, [
      [abi.ROWS_SELECTED, matrix.rows(), bias, x, rowStride, blocks, chosen, found, abi.IDENTITY, { float: 0 }, 0],
    ]);
  };
  const plans: [string, number[]][] = [
    ["rows", [select(1)]],
    ["panels", [reservePlan(memory, [[abi.PANELS, matrix.panels(), bias, x, inputs, matrix.panelCount, out]])]],
    ...shares.map((share): [string, number[]] => [`${share}`, Array.from({ length: selections }, () => select(share))]),
  ];
  const prepare = reservePlan(memory, preparations);
  const engine = await memory.create({});
  engine.execute(prepare, 0, preparations.length);

  const contenders = plans.map(([name, turns]): Contender => {
    let turn = 0;
    return { name, run: () => void engine.execute(turns[turn++ % turns.length], 0, 1), top: () => 0 };
  });
  const noInputs: Rows = { kind: "dense", count: queries, width: 1, data: new Float32Array(queries) };
  // every selection is run once before a turn counts: few rows at a time would else find the caches full of the others' weights
  const result = await race(contenders, noInputs, { warmUp: selections, settle: selections });
  const over = (dense: string, share: number): OfIdeal => {
    const { ratio, low, high } = speedUp(result, dense, `${share}`, seeded(1));
    const ideal = outputs / chosenOf(outputs, share);
    return { speedUp: ratio, share: ratio / ideal, low: low / ideal, high: high / ideal };
  };
  return shares.map((share) => ({
    shape: `${outputs}x${inputs}`,
    share,
    overRows: over("rows", share),
    overPanels: over("panels", share),
  }));
}

function selectedRowsText(measured: readonly SelectedRows[]): string {
  const table = new Table({
    head: ["layer", "chosen", "x dense rows", "of the ideal", "x dense panels", "of the ideal"],
    style: { head: [], border: [], compact: true },
    colAligns: ["left", "right", "right", "right", "right", "right"],
  });
  const cells = ({ speedUp, share, low, high }: OfIdeal): string[] => [
    speedUp.toFixed(1),
    `${share.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`,
  ];
  for (const { shape, share, overRows, overPanels } of measured)
    table.push([shape, `${100 * share} %`, ...cells(overRows), ...cells(overPanels)]);
  return `${table.toString()}\n`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  sayRefusals("bench:rows");
  flagsOf(import.meta.filename);
  for (const [outputs, inputs] of shapes) process.stdout.write(selectedRowsText(await raceSelectedRows(outputs, inputs, 1000)));
}
