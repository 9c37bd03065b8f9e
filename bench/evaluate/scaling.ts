// How the time of a query grows with labels and with width. Networks are made up, so only speed means anything: dense in floats and in
// eight bits, and a level of a fixed setting, as calibration finds where nodes can be left out.

import { syntheticHead } from "../../examples/synthetic-head.ts";
import { encodeActivators } from "../../src/activator/activator.ts";
import { dense, everyLayer, exact, withLayer } from "../../src/calibrate/candidates.ts";
import { evaluate } from "../../src/calibrate/evaluate.ts";
import { fitActivators } from "../../src/calibrate/fit.ts";
import { systemClock } from "../../src/clock.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import { createModel, type Model } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import type { Rows } from "../../src/model/rows.ts";
import type { Rung } from "../../src/profile/ladder.ts";
import { normal, seeded } from "../../src/random.ts";
import { measureBandwidth } from "../../src/session/bandwidth.ts";
import { madeUpNetwork } from "../made-up-network.ts";
import { median } from "../statistics.ts";
import type { Circumstances, ScalingPart, ScalingPoint } from "./evaluation.ts";
import type { Size } from "./sizes.ts";

/** Labels a screen keeps, and hidden values it looks at. */
const [keptLabels, screenInputs] = [64, 32];
/** Share of the first hidden layer that is computed, and the rank that predicts it: what the image networks come to. */
const [keptShare, rank] = [0.04, 16];
/** Far larger than caches. */
const largeBytes = 256e6;

export async function measureScaling(
  { labels, widths, queries }: Size["scaling"],
  log: (line: string) => void,
): Promise<Omit<ScalingPart, keyof Circumstances>> {
  const byLabels: ScalingPoint[] = [];
  for (const count of labels) {
    log(`scaling: ${count} labels`);
    const head = syntheticHead({ labels: count });
    const { rows } = head.queries(queries, 2);
    const screen: Rung = {
      layers: [{ kind: "ranked", activator: "screen", variant: screenInputs, unit: "node", by: "top-k", amount: keptLabels / count }],
    };
    const int8 = quantizeModel(head.model);
    const [{ us: denseUs }] = await run(head.model, [everyLayer(1, dense)], rows);
    const [dense8, level] = await run(int8, [everyLayer(1, dense), screen], rows);
    const agreement = level.answers.filter((answer, r) => answer === dense8.answers[r]).length / rows.count;
    byLabels.push({
      size: count,
      denseUs,
      dense8Us: dense8.us,
      levelUs: level.us,
      agreement,
      share: keptLabels / count,
      what: `128 → ${count}`,
    });
  }
  const byWidth: ScalingPoint[] = [];
  for (const width of widths) {
    log(`scaling: width ${width}`);
    const model = madeUpNetwork([784, width, width, 10]);
    const rows = halfZero(queries, 784);
    const fitted = await fitActivators(
      model,
      halfZero(512, 784),
      { kinds: ["low-rank"], rows: 512, random: seeded(1) },
      await createArrayKernels(),
    );
    const withActivators = createModel(model.name, fitted.layers, { ladder: null, tensors: encodeActivators(fitted.fitted) });
    const plain = everyLayer(3, exact);
    const level = withLayer(plain, 0, {
      kind: "ranked",
      activator: "low-rank",
      variant: rank,
      unit: "node",
      by: "top-k",
      amount: keptShare,
    });
    const [{ us: denseUs }, { us: levelUs }] = await run(withActivators, [everyLayer(3, dense), level], rows);
    byWidth.push({ size: width, denseUs, dense8Us: null, levelUs, agreement: null, share: keptShare, what: `784-${width}-${width}-10` });
  }
  return {
    labels: byLabels,
    screen: { inputs: screenInputs, kept: keptLabels },
    widths: byWidth,
    bytesPerUs: await measureBandwidth(largeBytes, systemClock),
  };
}

/** Median microseconds of each rung, and what it answers. */
async function run(model: Model, rungs: readonly Rung[], rows: Rows): Promise<{ us: number; answers: Uint32Array }[]> {
  const settings = rungs.map((rung) => [rung]);
  await evaluate(model, settings, rows, { clock: systemClock });
  const outcomes = await evaluate(model, settings, rows, { clock: systemClock });
  return outcomes.map(({ timesMs, answers }) => ({ us: 1000 * median(Float64Array.from(timesMs)), answers }));
}

function halfZero(count: number, width: number): Rows {
  const random = seeded(2);
  return { kind: "dense", count, width, data: Float32Array.from({ length: count * width }, () => (random() < 0.5 ? 0 : normal(random))) };
}
