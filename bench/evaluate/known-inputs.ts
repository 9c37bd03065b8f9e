// How many rows bring the very input of another row, as short texts and few words do: such a row is no new one, whatever part it fell into.

import { createHash } from "node:crypto";
import { type Input, type Rows, rowOf } from "../../src/model/rows.ts";

/** Rows whose input, to the last bit, is also one of the `others`. */
export function countKnownInputs(rows: Rows, others: readonly Rows[]): number {
  const seen = new Set<string>();
  for (const other of others) for (let r = 0; r < other.count; r++) seen.add(digestOf(rowOf(other, r)));
  let known = 0;
  for (let r = 0; r < rows.count; r++) if (seen.has(digestOf(rowOf(rows, r)))) known++;
  return known;
}

function digestOf(input: Input): string {
  const hash = createHash("sha256");
  for (const part of input instanceof Float32Array ? [input] : [Uint32Array.from(input.indices), Float32Array.from(input.values)])
    hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  return hash.digest("base64");
}
