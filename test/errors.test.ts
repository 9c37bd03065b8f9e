// What callers hand in to stop a run, checked before anything is started; and what they may throw.

import { describe, expect, test } from "vitest";
import { checkSignal, messageOf } from "../src/errors.ts";

describe("a signal", () => {
  test("that has not fired passes, and none too", () => {
    expect(() => checkSignal(new AbortController().signal, "bad-slo")).not.toThrow();
    expect(() => checkSignal(undefined, "bad-slo")).not.toThrow();
  });

  test("that has fired is aborted", () => {
    expect(() => checkSignal(AbortSignal.abort(), "bad-slo")).toThrow(expect.objectContaining({ code: "aborted" }));
  });

  test.each([{ aborted: false }, 5n, Symbol("s"), "abort"])("that is none is refused: %o", (signal) => {
    expect(() => checkSignal(signal as unknown as AbortSignal, "bad-slo")).toThrow(
      expect.objectContaining({ code: "bad-slo", message: expect.stringContaining("expected an AbortSignal") }),
    );
  });
});

test.each([
  [new Error("broken"), "broken"],
  [{ message: "broken in another realm" }, "broken in another realm"],
  ["broken", "broken"],
  [5n, "5"],
  [Symbol("broken"), "Symbol(broken)"],
  [undefined, "undefined"],
  [null, "undefined"],
  [Object.create(null), "undefined"],
])("whatever was thrown has a text: %o", (cause, text) => {
  expect(messageOf(cause)).toBe(text);
});
