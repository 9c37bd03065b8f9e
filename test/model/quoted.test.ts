import { expect, test } from "vitest";
import { checkFunction } from "../../src/model/quoted.ts";

test("what can be called passes, anything else is refused by name", () => {
  for (const value of [() => 1, Array, async () => {}]) checkFunction("turn", value);
  for (const [value, shown] of [
    [undefined, "nothing"],
    [0, "0"],
    ["now", '"now"'],
    [{}, "an object"],
    [Object.create(null), "an object"],
    [JSON.parse('{"constructor":{"name":"of a file"}}'), "an object"],
    [Promise.resolve(), "Promise"],
    [new Float64Array(2), "Float64Array"],
    [5n, "a bigint"],
  ] as const)
    expect(() => checkFunction("turn", value)).toThrow(
      expect.objectContaining({ code: "bad-option", message: `turn: got ${shown}, expected a function` }),
    );
});
