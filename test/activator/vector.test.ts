// The rows that a vector's forms are made by: each once, where it is first asked for.

import { describe, expect, test } from "vitest";
import type { PlacedNetwork } from "../../src/activator/network.ts";
import { createVector } from "../../src/activator/vector.ts";
import { ACTIVATE, BLOCK, BLOCKS, CODE, COMPACT, IDENTITY, RELU, SCATTER } from "../../src/engine/generated/abi.ts";
import type { Emit } from "../../src/engine/plan-writer.ts";

const width = 33;

/** A network that tells what was reserved, an address for every name, and the rows that were emitted. */
function recorded() {
  const reserved = new Map<string, number>();
  const addresses = new Map<string, number>();
  const reserve = (name: string, n: number): number => {
    reserved.set(name, n);
    if (!addresses.has(name)) addresses.set(name, 1000 * (1 + addresses.size));
    return addresses.get(name) as number;
  };
  const rows: unknown[][] = [];
  const emit: Emit = (row) => void rows.push([...row]);
  const network = { floats: reserve, list: reserve } as unknown as PlacedNetwork;
  return { network, reserved, rows, emit, operations: () => rows.map(([operation]) => operation) };
}

const activating = (activation: number) => ({ at: 64, activation, alpha: 0 });

describe("a vector", () => {
  test("of pre-activations is activated once and listed once", () => {
    const { network, rows, emit, operations } = recorded();
    const vector = createVector(network, "v", width, activating(RELU));
    const [dense, parts] = [vector.dense(emit), vector.parts(emit)];
    expect([vector.dense(emit), vector.parts(emit), vector.activated(emit)]).toEqual([dense, parts, dense]);
    expect(operations()).toEqual([ACTIVATE, COMPACT]);
    expect(rows.map(([, from, of, to]) => [from, of, to])).toEqual([
      [64, width, dense],
      [64, width, parts[0]],
    ]);
  });

  test("whose activation changes nothing ends the network as it is", () => {
    const { network, emit, rows } = recorded();
    expect(createVector(network, "v", width, activating(IDENTITY)).activated(emit)).toBe(64);
    expect(rows).toEqual([]);
  });

  test("of lists is scattered: the first clears what was there, the others add", () => {
    const { network, rows, emit } = recorded();
    const vector = createVector(network, "v", width, { parts: [100, 200, 300] });
    const dense = vector.dense(emit);
    expect(vector.parts(emit)).toEqual([100, 200, 300]);
    expect(rows).toEqual([100, 200, 300].map((part, i) => [SCATTER, part, width, dense, i > 0 ? 1 : 0]));
  });

  test("has a block for what is left over, too", () => {
    const { network, reserved, emit, operations } = recorded();
    const vector = createVector(network, "v", width, activating(RELU));
    expect(vector.blocks(emit)).toBe(vector.blocks(emit));
    expect(reserved.get("v.blocks")).toBe(Math.ceil(width / BLOCK));
    expect(operations()).toEqual([ACTIVATE, BLOCKS]);
  });

  test("is coded apart with its zeros and without, each once and in a place of its own", () => {
    const { network, rows, emit, operations } = recorded();
    const vector = createVector(network, "v", width, activating(RELU));
    const [every, active] = [vector.codes(emit, true), vector.codes(emit, false)];
    expect(new Set([...Object.values(every), ...Object.values(active)]).size).toBe(6);
    expect([vector.codes(emit, true), vector.codes(emit, false)]).toEqual([every, active]);
    expect(operations()).toEqual([ACTIVATE, CODE, CODE]);
    expect(rows.slice(1).map((row) => row.at(-1))).toEqual([1, 0]);
  });
});
