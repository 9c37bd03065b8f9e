import { expect, test } from "vitest";
import { checkFunction, quoted, show } from "../src/quoted.ts";

test("what can be called passes, anything else is refused by name", () => {
  for (const value of [() => 1, Array, async () => {}]) checkFunction("turn", value);
  for (const [value, shown] of [
    [undefined, "nothing"],
    [0, "0"],
    ["now", '"now"'],
    [{}, "an object"],
  ] as const)
    expect(() => checkFunction("turn", value)).toThrow(
      expect.objectContaining({ code: "bad-option", message: `turn: got ${shown}, expected a function` }),
    );
});

test.each<[unknown, string]>([
  ["a\nb\u2028", '"a\\nb\\u2028"'],
  [[1, 2], "a list of 2"],
  [null, "null"],
  [5n, "a bigint"],
  [Object.create(null), "an object"],
  [JSON.parse('{"constructor":{"name":"of a file"}}'), "an object"],
  [Promise.resolve(), "Promise"],
  [new Float64Array(2), "Float64Array"],
  [() => 1, "a function"],
  [Symbol("s"), "a symbol"],
])("%# is shown as what it is", (value, shown) => expect(show(value)).toBe(shown));

test("long text is cut", () => {
  expect(quoted("x".repeat(60))).toBe(`"${"x".repeat(60)}"`);
  expect(quoted("x".repeat(61))).toBe(`"${"x".repeat(57)}..."`);
});
