import { expect, test } from "vitest";
import { checkNames } from "../src/option-names.ts";

const known = { most: true, clock: true } as const;

test.each([{}, { most: 1 }, { clock: undefined, most: 0 }])("knows the names of %o", (options) => {
  expect(() => checkNames("queue", options, known)).not.toThrow();
});

test.each<[unknown, string]>([
  [{ most: 1, max: 2 }, "queue: got max, expected most, clock"],
  [{ toString: 1 }, "queue: got toString, expected most, clock"],
  [null, "queue: got null, expected an object of most, clock"],
  ["most", 'queue: got "most", expected an object of most, clock'],
])("refuses %o", (options, message) => {
  expect(() => checkNames("queue", options, known)).toThrow(expect.objectContaining({ code: "bad-option", message }));
});
