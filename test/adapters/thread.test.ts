// The inner side of a worker session on its own: a port that notes what is posted, turns that the test lets pass, a clock it moves.

import { describe, expect, test } from "vitest";
import { createThread } from "../../src/adapters/thread.ts";
import type { Question, Reply } from "../../src/adapters/worker-messages.ts";
import { createSession } from "../../src/session/session.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

const model = madeUpModel([12, 40, 40, 40, 40, 6], 3);
const input = madeUpRows(1, 12, 4).data;

/** @param stepMs what every look at the clock takes */
async function openThread(stepMs: number) {
  const replies: Reply[] = [];
  const turns: (() => void)[] = [];
  let now = 0;
  const receive = createThread(
    { post: (reply) => replies.push(reply), turn: () => new Promise((resolve) => turns.push(resolve)) },
    { now: () => (now += stepMs) },
  );
  const ask = (question: Question): void => receive(question);
  ask({ kind: "open", id: 0, source: model, options: { backend: "js" }, progress: false });
  while (replies.length === 0) await new Promise(setImmediate);
  expect(replies.shift()?.kind).toBe("opened");
  /** Lets a pause end; whether there was one. */
  const turn = async (): Promise<boolean> => {
    const end = turns.shift();
    end?.();
    await new Promise(setImmediate);
    return end !== undefined;
  };
  const run = (id: number, stoppable: boolean, times: { askedMs?: number; waitedMs?: number } = {}): void =>
    ask({ kind: "run", id, input, slo: { dense: true }, stoppable, ...times });
  const pass = (ms: number): void => {
    now += ms;
  };
  return { ask, replies, turn, run, pass, now: () => now };
}

const answers = (replies: Reply[]) => replies.map((reply) => [reply.id, reply.kind === "error" ? reply.code : reply.kind]);

describe("a thread", () => {
  test("answers what cannot be stopped without a pause, and like a session", async () => {
    const { replies, run } = await openThread(10);
    run(1, false);
    const expected = (await createSession(model, { backend: "js" })).run(input, { dense: true });
    expect(replies).toMatchObject([{ kind: "answer", id: 1, scores: expected.output.data, report: { macs: expected.report.macs } }]);
  });

  test("pauses once before the first layer, and then between layers that take longer than a millisecond", async () => {
    const slow = await openThread(10);
    slow.run(1, true);
    let turns = 0;
    while (await slow.turn()) turns++;
    // before the first of five layers and between two; behind the last there is nothing to pause for
    expect(turns).toBe(5);
    expect(answers(slow.replies)).toEqual([[1, "answer"]]);

    const fast = await openThread(0.01);
    fast.pass(1000);
    fast.run(1, true);
    expect(await fast.turn()).toBe(true);
    expect(await fast.turn()).toBe(false);
    expect(answers(fast.replies)).toEqual([[1, "answer"]]);
  });

  test.each([0, 1e6, -1e6])("counts what a message has waited to be delivered, by a clock that is %d ms off", async (offMs) => {
    const { replies, run, pass, now } = await openThread(0);
    const waited = (): number[] => replies.splice(0).map((reply) => (reply.kind === "answer" ? reply.report.timeMs.waited : Number.NaN));
    const calls = (): number => now() + offMs;
    run(1, false, { askedMs: calls() - 0.5 });
    run(2, false, { askedMs: calls() - 0.25 }); // the quickest so far
    const askedMs = calls();
    pass(30.25);
    for (const id of [3, 4]) run(id, false, { askedMs });
    run(5, false, { askedMs, waitedMs: 10 });
    run(6, false, { askedMs: calls() }); // quicker still
    run(7, false, { askedMs: calls() - 8 });
    expect(waited()).toEqual([0, 0, 30, 30, 40, 0, 8]);
    for (const odd of [undefined, Number.NaN, Number.NEGATIVE_INFINITY]) run(8, false, odd === undefined ? {} : { askedMs: odd });
    run(9, false, { askedMs: calls() - 3 });
    expect(waited()).toEqual([0, 0, 0, 3]);
  });

  test("counts what the first query has waited behind measuring", async () => {
    const { ask, replies, run, pass, now } = await openThread(0);
    const askedMs = now() - 1e6;
    ask({ kind: "measure", id: 1, inputs: [], askedMs });
    pass(500); // as measuring takes
    run(2, false, { askedMs });
    expect(replies).toMatchObject([{ id: 1 }, { kind: "answer", id: 2, report: { timeMs: { waited: 500 } } }]);
  });

  test("counts no time below nothing where adding up clocks rounds", async () => {
    const { replies, run, pass } = await openThread(0);
    const [askedMs, nowMs] = [539.3264049838498, 237.65599186053245];
    expect(askedMs + (nowMs - askedMs)).toBeGreaterThan(nowMs);
    pass(nowMs);
    run(1, false, { askedMs });
    expect(replies).toMatchObject([{ kind: "answer", report: { timeMs: { waited: 0 } } }]);
  });

  test("stops a run between two layers; the next one is whole", async () => {
    const { ask, replies, run, turn } = await openThread(10);
    run(1, true);
    run(2, false);
    run(3, true);
    await turn();
    await turn();
    expect(replies).toEqual([]);
    ask({ kind: "stop", id: 1 });
    await turn();
    expect(answers(replies)).toEqual([
      [1, "aborted"],
      [2, "answer"],
    ]);
    for (let i = 0; i < 5; i++) await turn();
    expect(answers(replies)[2]).toEqual([3, "answer"]);
    expect(await turn()).toBe(false);
    const { output } = (await createSession(model, { backend: "js" })).run(input, { dense: true });
    expect(replies[1]).toMatchObject({ scores: output.data });
  });

  test("stops a run before it begins, in line or at its head", async () => {
    const { ask, replies, run, turn } = await openThread(10);
    run(1, true);
    run(2, true);
    ask({ kind: "stop", id: 2 });
    ask({ kind: "stop", id: 1 });
    await turn();
    expect(await turn()).toBe(false);
    expect(answers(replies)).toEqual([
      [2, "aborted"],
      [1, "aborted"],
    ]);
  });

  test("stops one in line, and none of those before and behind it", async () => {
    const { ask, replies, run, turn } = await openThread(10);
    run(1, true);
    for (const id of [2, 3, 4, 5]) run(id, id % 2 === 0);
    ask({ kind: "stop", id: 3 });
    while (await turn());
    expect(answers(replies)).toEqual([
      [3, "aborted"],
      [1, "answer"],
      [2, "answer"],
      [4, "answer"],
      [5, "answer"],
    ]);
  });

  test("stops nothing else for a question that was answered, or never asked", async () => {
    const { ask, replies, run, turn } = await openThread(10);
    run(1, true);
    ask({ kind: "stop", id: 7 });
    while (await turn());
    expect(answers(replies)).toEqual([[1, "answer"]]);
    // nor where nothing runs any more
    ask({ kind: "stop", id: 1 });
    run(2, false);
    expect(answers(replies)[1]).toEqual([2, "answer"]);
  });

  test("takes one model", async () => {
    const { ask, replies, run } = await openThread(1);
    ask({ kind: "open", id: 1, source: madeUpModel([12, 6], 9), options: { backend: "js" }, progress: false });
    await new Promise(setImmediate);
    run(2, false);
    const { output } = (await createSession(model, { backend: "js" })).run(input, { dense: true });
    expect(answers(replies)).toEqual([
      [1, "worker"],
      [2, "answer"],
    ]);
    expect(replies[1]).toMatchObject({ scores: output.data });
  });

  test("passes on what a query throws, and goes on", async () => {
    const { ask, replies, run } = await openThread(1);
    ask({ kind: "run", id: 1, input: [1, 2], slo: undefined, stoppable: false });
    ask({ kind: "run", id: 2, input, slo: { speed: 1 } as object, stoppable: false });
    run(3, false);
    expect(answers(replies)).toEqual([
      [1, "bad-input"],
      [2, "bad-slo"],
      [3, "answer"],
    ]);
  });

  test("measures in line, behind a run that pauses, and tells the load at once", async () => {
    const { ask, replies, run, turn } = await openThread(0.01);
    run(1, true);
    ask({ kind: "measure", id: 2, inputs: [input] });
    run(3, false);
    ask({ kind: "load", id: 4 });
    expect(replies.splice(0)).toEqual([{ kind: "load", id: 4, load: { stretch: 1, deviation: expect.any(Number), lostPerMs: 0 } }]);
    while (await turn());
    expect(answers(replies)).toEqual([
      [1, "answer"],
      [2, "measured"],
      [3, "answer"],
    ]);
    expect(replies[1]).toMatchObject({ profile: { origin: { backend: "js" }, levels: [expect.anything(), expect.anything()] } });
    ask({ kind: "measure", id: 5, inputs: [[1, 2]] });
    expect(answers(replies.slice(3))).toEqual([[5, "bad-input"]]);
  });

  test("refuses a query before there is a model", () => {
    const replies: Reply[] = [];
    const receive = createThread({ post: (reply) => replies.push(reply), turn: () => Promise.resolve() });
    receive({ kind: "run", id: 1, input, slo: undefined, stoppable: false });
    receive({ kind: "measure", id: 2, inputs: undefined });
    receive({ kind: "load", id: 3 });
    expect(answers(replies)).toEqual([1, 2, 3].map((id) => [id, "worker"]));
  });

  test("says what kept a model from loading", async () => {
    const replies: Reply[] = [];
    const receive = createThread({ post: (reply) => replies.push(reply), turn: () => Promise.resolve() });
    receive({ kind: "open", id: 0, source: Uint8Array.of(1, 2, 3), options: {}, progress: true });
    while (replies.length < 2) await new Promise(setImmediate);
    expect(answers(replies)).toEqual([
      [0, "progress"],
      [0, "bad-file"],
    ]);
    const quiet: Reply[] = [];
    const other = createThread({ post: (reply) => quiet.push(reply), turn: () => Promise.resolve() });
    other({ kind: "open", id: 0, source: Uint8Array.of(1, 2, 3), options: {}, progress: false });
    while (quiet.length === 0) await new Promise(setImmediate);
    expect(answers(quiet)).toEqual([[0, "bad-file"]]);
  });
});
