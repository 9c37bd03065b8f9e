// Deadlines beside other processes: the session asked for a deadline against dense and against the best fixed level in hindsight.

import type { Model } from "../../src/model/model.ts";
import type { Labels, Rows } from "../../src/model/rows.ts";
import type { Slo } from "../../src/policy/slo.ts";
import { createContenders } from "../interference/contenders.ts";
import { inputsOf } from "../interference/inputs.ts";
import { type Asked, beside, idleTimes, percentile, scores, takeTurns } from "../interference/turns.ts";
import { quantile } from "../statistics.ts";
import type { Circumstances, InterferencePart } from "./evaluation.ts";
import type { Size } from "./sizes.ts";

/** Fixed levels that compete beside dense. */
const fixedLevels = 6;

export async function evaluateInterference(
  network: { name: string; model: Model; heldOut: Rows; report: { rows: Rows; labels: Labels } },
  fixedModel: Model,
  { loads, multiples, queries }: Size["interference"],
  log: (line: string) => void,
): Promise<Omit<InterferencePart, keyof Circumstances>> {
  const { name, model, heldOut, report } = network;
  const asked: Asked = {
    inputs: inputsOf(report.rows, 4000),
    labels: report.labels,
    out: new Float32Array(model.layers[model.layers.length - 1].outputs),
  };
  const contenders = await createContenders(model, fixedModel, fixedLevels, inputsOf(heldOut, 256));
  const denseMs = quantile(idleTimes(contenders, asked), 0.5);
  const runs: InterferencePart["runs"] = [];
  for (const load of loads) {
    log(`${name}: beside ${load === "none" ? "nothing" : load}`);
    await beside(load, async () => {
      for (const multiple of multiples) {
        const slo: Slo = { latencyMs: multiple * denseMs, percentile };
        runs.push({ load, multiple, scores: scores(await takeTurns(contenders, slo, asked, (q) => q >= queries)) });
      }
    });
  }
  for (const contender of contenders) contender.dispose();
  return { network: name, denseMs, percentile, runs };
}
