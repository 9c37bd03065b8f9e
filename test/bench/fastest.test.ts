import { expect, test } from "vitest";
import { medianTimes } from "../../bench/peers/fastest.ts";
import type { Peer } from "../../bench/peers/peers.ts";
import type { Input } from "../../src/model/rows.ts";

test("forms of a peer are timed on the same inputs, in turns, by their medians", async () => {
  let now = 0;
  const seen: [string, number][] = [];
  const peer = (form: string, ms: (call: number) => number, isAsync: boolean): Peer => {
    let calls = 0;
    return {
      name: "onnxruntime-web",
      version: "0",
      form,
      sparse: false,
      run(input: Input) {
        seen.push([form, (input as Float32Array)[0]]);
        now += ms(calls++);
        return isAsync ? Promise.resolve(new Float32Array(1)) : new Float32Array(1);
      },
      dispose() {},
    };
  };
  // The first calls are slow, and now and then another one is.
  const peers = [peer("a", (call) => (call < 30 ? 1000 : call % 7 === 0 ? 90 : 3), false), peer("b", () => 2, true)];
  const inputs = Array.from({ length: 40 }, (_, i) => Float32Array.of(i));
  expect(await medianTimes(peers, inputs, { now: () => now })).toEqual([3, 2]);
  const raced = seen.slice(60);
  const turns = raced.flatMap(([form], i) => (i === 0 || raced[i - 1][0] !== form ? [form] : []));
  expect(turns.slice(0, 4)).toEqual(["a", "b", "a", "b"]);
  const of = (form: string): number[] => raced.filter(([name]) => name === form).map(([, input]) => input);
  expect(of("a")).toEqual(of("b"));
});
