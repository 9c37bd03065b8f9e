// Reads the goldens in goldens-keras/ and compares outputs with recorded ones.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import { SlonnError } from "../../src/errors.ts";
import { forward } from "../../src/model/forward.ts";
import type { Model } from "../../src/model/model.ts";
import { seeded } from "../../src/random.ts";

export interface Case {
  input: number[];
  output: number[];
}

const folder = new URL("./goldens-keras/", import.meta.url);

export function h5(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(new URL(`${name}.h5.gz`, folder))));
}

/** Whatever a JSON file holds: tests reach into it freely. */
export type Json = ReturnType<typeof JSON.parse>;

export function json(name: string): Json {
  return JSON.parse(gunzipSync(readFileSync(new URL(`${name}.json.gz`, folder))).toString());
}

/** Every output within 1e-4 of the recorded one, relative to the largest of them. */
export function expectOutputs(model: Model, cases: readonly Case[]): void {
  expect(cases.length).toBeGreaterThan(0);
  for (const { input, output } of cases) {
    const got = forward(model, Float32Array.from(input));
    expect(got.length).toBe(output.length);
    const largest = Math.max(...output.map(Math.abs));
    for (const [i, value] of output.entries()) expect(Math.abs(got[i] - value)).toBeLessThanOrEqual(1e-4 * largest);
  }
}

/** The error of a reader, which must be a SlonnError of one line. */
export async function refusal(read: () => unknown): Promise<SlonnError> {
  try {
    await read();
  } catch (error) {
    if (!(error instanceof SlonnError)) throw error;
    expect(error.message).not.toContain("\n");
    expect(error.message.length).toBeLessThan(600);
    return error;
  }
  throw new Error("expected a refusal");
}

/** A damaged copy: flipped bits, extreme numbers, copied stretches, a cut end. */
export function damaged(bytes: Uint8Array, seed: number): Uint8Array {
  const random = seeded(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (let i = 1 + below(4); i > 0; i--) {
    // Half of the damage goes where the file is not zero: there the structures are.
    let at = below(copy.length);
    if (random() < 0.7) while (copy[at] === 0) at = (at + 1) % copy.length;
    switch (below(5)) {
      case 0:
        copy[at] ^= 1 << below(8);
        break;
      case 1:
        copy[at] = [0, 1, 0x7f, 0x80, 0xff][below(5)];
        break;
      case 2:
        view.setUint32(Math.min(at, copy.length - 4), [0, 1, 0x7fffffff, 0xffffffff, below(copy.length)][below(5)], true);
        break;
      case 3:
        view.setBigUint64(
          Math.min(at & ~7, copy.length - 8),
          [0n, 1n, 2n ** 53n, 2n ** 64n - 1n, BigInt(below(copy.length))][below(5)],
          true,
        );
        break;
      default:
        copy.copyWithin(at, below(copy.length), below(copy.length));
    }
  }
  return random() < 0.1 ? copy.slice(0, below(copy.length)) : copy;
}
