// How fast an engine can read its memory at all: the limit that a query's bytes are held against. It knows no model.
//
// Dense kernels do little else than read their weights once from front to back, and read them with the widest loads the backend
// has, so the faster of the two is the measure: panels or columns. A sum over a typed array in
// JavaScript reads several times slower.

import type { Clock } from "../clock.ts";
import type { EngineOptions } from "../engine/engine.ts";
import * as abi from "../engine/generated/abi.ts";
import { listViews, reserveList } from "../engine/list.ts";
import { createMemoryPlan, reserveFloats } from "../engine/memory-plan.ts";
import { type Row, reservePlan } from "../engine/plan-writer.ts";

/** Inputs of the made-up layer: few enough that they and one panel's sums stay in the fastest cache. */
const inputs = 512;
/** The least number of bytes read between two looks at the clock; small layers are read several times over. */
const leastBytes = 1 << 20;
const warmUps = 3;
const timed = 21;

/**
 * Bytes per microsecond at which an engine of this backend reads `bytes` of weights (rounded to whole panels of 512 inputs) again
 * and again, which leaves them in whatever cache they fit: the median pass of the faster kernel. NaN where the clock did not move.
 * @throws SlonnError `no-engine` as `createEngine`
 */
export async function measureBandwidth(bytes: number, clock: Clock, options: EngineOptions = {}): Promise<number> {
  const panels = Math.max(1, Math.round(bytes / (inputs * abi.PANEL * 4)));
  const outputs = panels * abi.PANEL;
  const size = inputs * outputs * 4;
  const passes = Math.ceil(leastBytes / size);
  const memory = createMemoryPlan();
  const ones = (n: number): number => reserveFloats(memory, n, new Float32Array(n).fill(1));
  const [weights, x, bias, out] = [ones(inputs * outputs), ones(inputs), ones(outputs), ones(outputs)];
  const list = reserveList(memory, inputs);
  const kinds: Row[] = [
    [abi.PANELS, weights, bias, x, inputs, panels, out],
    [abi.COLUMNS, weights, bias, list, outputs, outputs, out],
  ];
  const plans = kinds.map((row) => reservePlan(memory, new Array<Row>(passes).fill(row)));
  const engine = await memory.create(options);
  const { count, indices, values } = listViews(engine, list);
  count[0] = inputs;
  indices.forEach((_, i) => {
    indices[i] = i;
    values[i] = 1;
  });
  const times = plans.map(() => new Float64Array(timed));
  for (let i = -warmUps; i < timed; i++)
    plans.forEach((plan, kind) => {
      const start = clock.now();
      engine.execute(plan, 0, passes);
      const time = clock.now() - start;
      if (i >= 0) times[kind][i] = time;
    });
  const fasterMs = Math.min(...times.map((ms) => ms.sort()[timed >> 1]));
  return fasterMs > 0 ? (size * passes) / (fasterMs * 1000) : Number.NaN;
}
