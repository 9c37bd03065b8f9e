// Placing weights: wherever they come from and however they are ordered, each stands where its layout says and zeros between them.

import { describe, expect, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { createMemoryPlan } from "../../src/engine/memory-plan.ts";
import type { AnyLayer, WriteRows } from "../../src/model/model.ts";
import { type PlacedMatrix, placeMatrix } from "../../src/model/place.ts";
import { byteWeights } from "../../src/model/quantize.ts";
import { permutation, seeded } from "../../src/random.ts";

/** Around the panel and the words of both element types, rows a multiple of 4096 bytes apart, and long ones. */
const sizes = [
  [1, 1],
  [15, 3],
  [16, 16],
  [17, 33],
  [40, 1024],
  [33, 4099],
] as const;

describe.each(["floats", "bytes", "floats to bytes"])("%s", (kind) => {
  describe.each(["in order", "in another order"])("%s", (ordering) => {
    test.each(["an array", "a stream"])("from %s stand where rows, panels and columns have them", async (source) => {
      for (const [outputs, inputs] of sizes)
        for (const backend of ["js", "simd"] as const) {
          const random = seeded(outputs * inputs);
          const floats = Float32Array.from({ length: outputs * inputs }, () => random() * 2 - 1);
          const coded = byteWeights({ name: "", inputs, outputs, weight: floats, bias: floats, activation: "identity", alpha: 0 });
          const order = ordering === "in order" ? null : permutation(outputs, random);
          const values = kind === "bytes" ? coded.values : floats;
          const scale = kind === "bytes" ? coded.scale : null;
          const writes: WriteRows[] = [];
          const arrays = scale ? coded : floats;
          const streamed = { scale, deliverTo: (write: WriteRows) => writes.push(write) } as unknown as AnyLayer["weight"];
          const memory = createMemoryPlan();
          const quantize = kind === "floats to bytes";
          const matrix = placeMatrix(memory, source === "a stream" ? streamed : arrays, outputs, inputs, { order, quantize });
          const at = { rows: matrix.rows(), panels: matrix.panels(), columns: matrix.columns() };
          const engine = await memory.create({ backend });
          for (let row = 0; row < outputs; row += 5)
            for (const write of writes) write(values.subarray(row * inputs, (row + 5) * inputs), row);
          const expected = kind === "floats" ? floats : coded.values;
          if (matrix.scales !== null) {
            const scales = Float32Array.from(coded.scale, (_, place) => coded.scale[order ? order[place] : place]);
            expect(new Float32Array(engine.buffer, matrix.scales, outputs)).toEqual(scales);
          }
          expectPlaced(engine, matrix, at, (place, i) => expected[(order ? order[place] : place) * inputs + i]);
        }
    });
  });
});

test("each layout is placed once, however often it is asked for", () => {
  const memory = createMemoryPlan();
  const matrix = placeMatrix(memory, new Float32Array(40 * 30), 40, 30);
  const [rows, panels, columns] = [matrix.rows(), matrix.panels(), matrix.columns()];
  const next = memory.reserve(0);
  expect([matrix.rows(), matrix.panels(), matrix.columns()]).toEqual([rows, panels, columns]);
  expect(memory.reserve(0)).toBe(next);
});

test("rows wait for their panels in as much room as there are rows", () => {
  const inputs = 40_000;
  const memory = createMemoryPlan();
  placeMatrix(memory, new Float32Array(inputs), 1, inputs).panels();
  expect(memory.reserve(0)).toBeLessThan(4 * inputs * (16 + 1) + 10_000);
});

function expectPlaced(
  engine: Engine,
  { outputs, inputs, rowStride, columnStride, panelCount, scales }: PlacedMatrix,
  at: { rows: number; panels: number; columns: number },
  weight: (place: number, input: number) => number,
): void {
  const Weights = scales === null ? Float32Array : Int8Array;
  /** Inputs that stand together in a panel, and how many there are of all. */
  const [pair, deep] = scales === null ? [1, inputs] : [2, rowStride];
  const panel = deep * 16;
  const layouts = {
    rows: { length: outputs * rowStride, place: (p: number, i: number) => p * rowStride + i },
    panels: {
      length: panelCount * panel,
      place: (p: number, i: number) => (p >> 4) * panel + Math.floor(i / pair) * 16 * pair + (p % 16) * pair + (i % pair),
    },
    columns: { length: inputs * columnStride, place: (p: number, i: number) => i * columnStride + p },
  };
  for (const name of ["rows", "panels", "columns"] as const) {
    const { length, place } = layouts[name];
    const expected = new Weights(length);
    for (let p = 0; p < outputs; p++) for (let i = 0; i < inputs; i++) expected[place(p, i)] = weight(p, i);
    const found = new Weights(engine.buffer, at[name], length);
    expect(found.findIndex((value, i) => value !== expected[i])).toBe(-1);
  }
}
