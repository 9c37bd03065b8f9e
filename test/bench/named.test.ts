import { expect, test } from "vitest";
import { type NamedRung, type Names, nameNodes } from "../../bench/evaluate/named.ts";
import { madeUpNetwork } from "../../bench/made-up-network.ts";
import { forward } from "../../src/model/forward.ts";
import type { Model } from "../../src/model/model.ts";
import type { LayerSetting } from "../../src/profile/ladder.ts";
import { normal, seeded } from "../../src/random.ts";

const [width, hidden, kept] = [40, 64, 4];
const oracle: LayerSetting = { kind: "ranked", activator: "oracle", variant: 0, unit: "node", by: "top-k", amount: kept / hidden };
const random = seeded(5);
const inputs = Array.from({ length: 6 }, () => Float32Array.from({ length: width }, () => normal(random)));

/** Answers of the plain forward pass whose first layers compute the named nodes alone. */
function expectedOf(model: Model, names: Names, input: Float32Array): Float32Array {
  const layers = model.layers.map((layer, l) => {
    if (l >= names.length) return layer;
    const weight = (layer.weight as Float32Array).map((w, i) => (names[l].includes(Math.floor(i / layer.inputs)) ? w : 0));
    return { ...layer, weight, bias: layer.bias.map((b, node) => (names[l].includes(node) ? b : 0)) };
  });
  return Float32Array.from(forward({ ...model, layers }, input));
}

function expectNear(got: Float32Array, expected: Float32Array): void {
  for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, 4);
}

async function named(): Promise<{ model: Model; rung: NamedRung }> {
  const model = madeUpNetwork([width, hidden, hidden, 10]);
  return { model, rung: await nameNodes(model, { layers: [oracle, oracle, { kind: "exact" }] }) };
}

test("a rung runs on the nodes it found, as many as it was to keep in each ranked layer", async () => {
  const { model, rung } = await named();
  const names = inputs.map((input) => rung.find(input));
  for (const [q, input] of inputs.entries()) {
    expect(names[q].map(({ length }) => length)).toEqual([kept, kept]);
    rung.hand(names[q]);
    expectNear(rung.run(input), expectedOf(model, names[q], input));
  }
});

test("nodes handed over are those that run, also where the rung would have found others", async () => {
  const { model, rung } = await named();
  const strange = rung.find(inputs[0]);
  expect(rung.find(inputs[1])).not.toEqual(strange);
  rung.hand(strange);
  expectNear(rung.run(inputs[1]), expectedOf(model, strange, inputs[1]));
});

test("naming them costs no multiply-adds", async () => {
  const { rung } = await named();
  rung.hand(rung.find(inputs[0]));
  rung.run(inputs[0]);
  expect(rung.macs()).toBeGreaterThanOrEqual(kept * width);
  expect(rung.macs()).toBeLessThan(hidden * width);
});
