import { expect, test } from "vitest";
import { changedParts, type QueryInput } from "../../src/session/input-parts.ts";

/** What `change` was handed, and what came of it. */
function handed(input: unknown): { parts: unknown[]; made: QueryInput } {
  const parts: unknown[] = [];
  const made = changedParts(input as QueryInput, (part) => [parts.push(part)]);
  return { parts, made };
}

test("a list is one part; other inputs are made of theirs, and of nothing else they have", () => {
  const data = Float32Array.of(1, 2);
  for (const list of [data, [1, 2], new DataView(new ArrayBuffer(4))]) expect(handed(list)).toEqual({ parts: [list], made: [1] });
  expect(handed({ values: data, indices: [0, 1], more: 5 })).toEqual({ parts: [[0, 1], data], made: { indices: [1], values: [2] } });
  const tensor = { dtype: "float32", shape: [2], data };
  expect(handed(tensor)).toEqual({ parts: ["float32", [2], data], made: { dtype: [1], shape: [2], data: [3] } });
});

test("parts may lie behind the accessors of a class", () => {
  class Sparse {
    get indices(): number[] {
      return [0];
    }
    get values(): number[] {
      return [5];
    }
  }
  expect(handed(new Sparse())).toEqual({ parts: [[0], [5]], made: { indices: [1], values: [2] } });
});

test("what is no input is handed on whole", () => {
  for (const odd of [null, undefined, 5, "text", {}, new Date(0)]) expect(handed(odd)).toEqual({ parts: [odd], made: [1] });
});
