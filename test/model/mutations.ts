// Seeded damage to valid files, for fuzzing readers: what bad disks, cut transfers and malice do to bytes.

import { expect } from "vitest";
import { SlonnError } from "../../src/errors.ts";
import type { Random } from "../../src/random.ts";

/** A damaged copy of a file. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let out: Uint8Array = bytes.slice();
  const below = (n: number) => Math.floor(random() * n);
  for (let rounds = 1 + below(3); rounds > 0; rounds--) {
    const at = below(out.length);
    switch (below(7)) {
      case 0: // flipped bits
        for (let n = 1 + below(4); n > 0 && out.length > 0; n--) out[below(out.length)] ^= 1 << below(8);
        break;
      case 1: // cut off
        out = out.slice(0, at);
        break;
      case 2: // lengths and counts made huge, zero or negative
        out.fill([0xff, 0x00, 0x7f, 0x80][below(4)], at, at + 1 + below(9));
        break;
      case 3: // a piece of the file again, elsewhere
        out.copyWithin(at, below(out.length), below(out.length) + 1);
        break;
      case 4: // a piece taken out
        out = splice(out, at, at + 1 + below(16), new Uint8Array());
        break;
      case 5: // noise put in
        out = splice(
          out,
          at,
          at,
          Uint8Array.from({ length: 1 + below(16) }, () => below(256)),
        );
        break;
      default: // more after the end
        out = splice(out, out.length, out.length, out.slice(at, at + 1 + below(64)));
    }
  }
  return out;
}

/** A safetensors file whose JSON header is damaged as text, the header length put right again. */
export function mutateHeader(bytes: Uint8Array, random: Random): Uint8Array {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const below = (n: number) => Math.floor(random() * n);
  let text = new TextDecoder().decode(bytes.subarray(8, 8 + length)).trimEnd();
  const numbers = [
    "0",
    "-1",
    "1e308",
    "9007199254740993",
    "18446744073709551615",
    "4294967296",
    "1.5",
    "null",
    '"1"',
    "[]",
    "[[[[[[[[[]]]]]]]]]",
  ];
  const pieces = [
    '"dtype":"F64"',
    '"dtype":"F8_E4M3"',
    '"shape":[4294967296,4294967296]',
    '"shape":null',
    '"__proto__":{}',
    '"data_offsets":[0,0]',
  ];
  const replaceOne = (pattern: RegExp, by: () => string) => {
    const found = [...text.matchAll(pattern)];
    const one = found[below(found.length)];
    if (one) text = text.slice(0, one.index) + by() + text.slice(one.index + one[0].length);
  };
  for (let rounds = 1 + below(2); rounds > 0; rounds--)
    switch (below(6)) {
      case 0:
        replaceOne(/\d+/g, () => numbers[below(numbers.length)]);
        break;
      case 1:
        replaceOne(/\d+/g, () => `${below(100)}`);
        break;
      case 2:
        replaceOne(/"[^"]*"/g, () =>
          JSON.stringify(["", "F16", "I64", "__metadata__", "constructor", "layers.0.weight", "slonn", "shape"][below(8)]),
        );
        break;
      case 3:
        replaceOne(/"\w+":("\w+"|\[[^\]]*\])/g, () => pieces[below(pieces.length)]);
        break;
      case 4: // an entry twice
        replaceOne(/"[^"]+":\{[^}]*\},?/g, () => text.slice(1, 1 + below(200)));
        break;
      default:
        replaceOne(/[[\]{},:]/g, () => "[]{},:"[below(6)]);
    }
  const json = new TextEncoder().encode(text);
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint32(0, json.length, true);
  return splice(bytes, 0, 8 + length, splice(head, 8, 8, json));
}

function splice(bytes: Uint8Array, from: number, to: number, piece: Uint8Array): Uint8Array {
  const out = new Uint8Array(from + piece.length + Math.max(0, bytes.length - to));
  out.set(bytes.subarray(0, from));
  out.set(piece, from);
  out.set(bytes.subarray(to), from + piece.length);
  return out;
}

/** Runs a reader over damaged files; every outcome must be a result or a SlonnError whose message is one line. Returns how many were refused. */
export async function survives(files: Iterable<Uint8Array>, read: (bytes: Uint8Array) => unknown): Promise<number> {
  let refused = 0;
  for (const bytes of files)
    try {
      await read(bytes);
    } catch (error) {
      if (!(error instanceof SlonnError))
        throw new Error(`a reader threw ${error} on ${Buffer.from(bytes).toString("base64").slice(0, 4000)}`, { cause: error });
      expect(error.message).toMatch(/^[^\n\r]{1,1000}$/);
      refused++;
    }
  return refused;
}
