import { afterEach, expect, test, vi } from "vitest";
import { nextTurn } from "../src/next-turn.ts";

afterEach(() => vi.unstubAllGlobals());

/** What Next.js's edge runtime has in the place of what it lacks. */
function refuses(): never {
  throw new Error("A Node.js API is used which is not supported in the Edge Runtime");
}

test.each([
  ["by setImmediate", {}],
  ["by a message", { setImmediate: undefined }],
  ["by a timer where setImmediate refuses", { setImmediate: refuses, MessageChannel: refuses }],
  ["by a timer where messages refuse", { setImmediate: undefined, MessageChannel: refuses }],
])("%s, after all that waits in this turn", async (_, globals) => {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  const seen: string[] = [];
  const turn = nextTurn().then(() => seen.push("turn"));
  for (let i = 0; i < 10; i++) await null;
  seen.push("this turn");
  await turn;
  expect(seen).toEqual(["this turn", "turn"]);
});
