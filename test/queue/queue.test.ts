import { getEventListeners } from "node:events";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createWorkerSession, type WorkerSession } from "../../src/adapters/worker-session.ts";
import type { Clock } from "../../src/clock.ts";
import { SlonnError } from "../../src/errors.ts";
import type { Slo } from "../../src/policy/slo.ts";
import { type Answered, createQueue, type LocalLane, type Queue, type RemoteLane } from "../../src/queue/queue.ts";
import type { QueryInput } from "../../src/session/input-parts.ts";
import { createSession } from "../../src/session/session.ts";
import { madeUpModel } from "../made-up-models.ts";

const model = madeUpModel([30, 64, 40, 10], 1);
const input = new Float32Array(30).fill(1);

const open: Queue[] = [];
const opened = (queue: Queue): Queue => {
  open.push(queue);
  return queue;
};
afterEach(() => {
  for (const queue of open.splice(0)) queue.close();
});

/** A lane in this thread that takes `ms` of a clock that only it moves, and remembers how it was called. */
function localLane(ms = 1) {
  const calls: { input: unknown; slo: Slo | undefined; waitedMs: number; reservedMs: number }[] = [];
  let now = 0;
  const lane: LocalLane = {
    run(x, slo, waitedMs = 0, reservedMs = 0) {
      calls.push({ input: x, slo, waitedMs, reservedMs });
      now += ms;
      return { output: { x }, report: { at: now } } as unknown as Answered;
    },
    dispose() {},
  };
  return { lane, calls, clock: { now: () => now }, pass: (by: number) => (now += by) };
}

/** A lane elsewhere: answers when told to. */
function remoteLane() {
  const asked: { input: unknown; slo: Slo | undefined; resolve(): void; reject(error: unknown): void }[] = [];
  let die: (error: SlonnError) => void = () => {};
  let isDisposed = false;
  const closed = new Promise<SlonnError>((settle) => {
    die = settle;
  });
  const lane: RemoteLane = {
    closed,
    run: (x, slo) =>
      new Promise<Answered>((settle, reject) => {
        asked.push({ input: x, slo, resolve: () => settle({ output: x } as unknown as Answered), reject });
      }),
    dispose: () => {
      isDisposed = true;
    },
  };
  return {
    lane,
    asked,
    get isDisposed() {
      return isDisposed;
    },
    die() {
      const error = new SlonnError("worker", "worker: died (a test); create another session");
      for (const { reject } of asked) reject(error);
      die(error);
    },
  };
}
const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

describe("a queue before a session", () => {
  test("answers like the session", async () => {
    const session = await createSession(model);
    const queue = opened(createQueue(session));
    const { output, report } = await queue.run(input, { exact: true });
    expect(output.data).toEqual(session.run(input, { exact: true }).output.data);
    expect(report.timeMs.waited).toBeGreaterThanOrEqual(0);
    expect((await queue.run(input)).output.data).toEqual(session.run(input).output.data);
    expect(queue.waiting).toBe(0);
  });

  test("passes on what a query throws, and goes on", async () => {
    const queue = opened(createQueue(await createSession(model)));
    const answers = await Promise.allSettled([queue.run([1, 2]), queue.run(input)]);
    expect(answers).toMatchObject([{ status: "rejected", reason: { code: "bad-input" } }, { status: "fulfilled" }]);
  });

  test("passes on what a session says of what is no input", async () => {
    const queue = opened(createQueue(await createSession(model)));
    for (const odd of [null, undefined, 5, "1,2", () => [1], new ArrayBuffer(120)])
      await expect(queue.run(odd as unknown as QueryInput)).rejects.toMatchObject({ code: "bad-input" });
  });

  test("passes on what a session says of inputs that were handed over before", async () => {
    const gone = <View extends ArrayBufferView>(view: View): View => {
      structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
      return view;
    };
    const queue = opened(createQueue(await createSession(model)));
    const sparse = { indices: gone(Uint32Array.of(1)), values: gone(Float32Array.of(1)) };
    const whole = { dtype: "float32", shape: [30], data: gone(new Float32Array(30)) } as const;
    for (const odd of [gone(new Float32Array(30)), sparse, whole])
      await expect(queue.run(odd)).rejects.toMatchObject({ code: "bad-input" });
    await expect(queue.run({ indices: new Uint32Array(0), values: new Float32Array(0) })).resolves.toBeDefined();
  });

  test("an input that cannot be kept takes nobody's place in line", async () => {
    const { lane, calls, clock } = localLane();
    const queue = opened(createQueue(lane, { most: 1, clock }));
    const odd = {
      shape: [1],
      get data(): never {
        throw new RangeError("no memory for it (a test)");
      },
    };
    await expect(queue.run(odd as unknown as QueryInput)).rejects.toThrow(RangeError);
    expect(queue.waiting).toBe(0);
    await expect(queue.run(input)).resolves.toBeDefined();
    expect(calls).toHaveLength(1);
  });

  test("rejects those who wait when the caller's turn fails, and answers those who come later", async () => {
    const { lane, clock } = localLane(10);
    let fails = true;
    const turn = async (): Promise<void> => {
      if (fails) throw new Error("no turn (a test)");
    };
    const queue = opened(createQueue(lane, { clock, turn }));
    const answers = await Promise.allSettled([queue.run(input), queue.run(input), queue.run(input)]);
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    expect(answers[1]).toMatchObject({ reason: { code: "bad-option", message: expect.stringMatching(/^turn: .*no turn/) } });
    fails = false;
    await expect(Promise.all([queue.run(input), queue.run(input)])).resolves.toHaveLength(2);
  });

  test("learns nothing of what a query takes from one that failed", async () => {
    const { lane, clock, pass } = localLane(10);
    const run: LocalLane["run"] = (x, ...rest) => {
      if (!Array.isArray(x)) return lane.run(x, ...rest);
      pass(0.001);
      throw new SlonnError("bad-input", "input: got something else, expected an input");
    };
    const queue = opened(createQueue({ ...lane, run }, { clock }));
    // the first may have been measured on; four that had to hurry are believed
    for (let i = 0; i < 5; i++) await queue.run(input, { latencyMs: 5 });
    await expect(queue.run([1])).rejects.toMatchObject({ code: "bad-input" });
    const answers = await Promise.allSettled([queue.run(input), queue.run(input, { latencyMs: 5, late: "refuse" })]);
    expect(answers).toMatchObject([
      { status: "fulfilled" },
      { status: "rejected", reason: { code: "deadline", message: expect.stringContaining("got 1 requests waiting") } },
    ]);
  });

  test("goes on answering those who would rather be refused, however slow the first queries were", async () => {
    const { lane, clock, pass } = localLane(0.002);
    let slow = 0;
    const run: LocalLane["run"] = (...asked) => {
      if (slow-- > 0) pass(30);
      return lane.run(...asked);
    };
    const queue = opened(createQueue({ ...lane, run }, { clock }));
    // measured on, then dense, then stalls: all together or one by one
    for (const slo of [{ latencyMs: 20 }, { dense: true } as const, { latencyMs: 20 }, { latencyMs: 20 }]) {
      slow = 1;
      await queue.run(input, slo);
      await expect(queue.run(input, { latencyMs: 20, late: "refuse" })).resolves.toBeDefined();
    }
    slow = 10;
    for (let i = 0; i < 10; i++) await queue.run(input, { latencyMs: 20 });
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => queue.run(input, { latencyMs: 20, late: "refuse" })));
    expect(all[0].status).toBe("fulfilled");
    await expect(Promise.all(Array.from({ length: 10 }, () => queue.run(input, { latencyMs: 20, late: "refuse" })))).resolves.toHaveLength(
      10,
    );
  });

  test.each([
    ["the first", undefined],
    ["one after others", { dense: true } as const],
  ])("learns nothing of what a query takes from a lane's first one with a deadline, which may have measured: %s", async (_, before) => {
    const { clock, pass } = localLane();
    const lanes = Array.from({ length: 4 }, (): RemoteLane => {
      let isMeasured = false;
      const run: RemoteLane["run"] = async (_, slo) => {
        await settled();
        if (slo?.latencyMs && !isMeasured) pass(25);
        isMeasured ||= slo?.latencyMs !== undefined;
        return { report: { met: true } } as unknown as Answered;
      };
      return { closed: new Promise(() => {}), dispose() {}, run };
    });
    const queue = opened(createQueue(lanes, { clock }));
    if (before) await Promise.all(lanes.map(() => queue.run(input, before)));
    await Promise.all(lanes.map(() => queue.run(input, { latencyMs: 20 })));
    const more = Array.from({ length: 8 }, () => queue.run(input, { latencyMs: 20, late: "refuse" }));
    await expect(Promise.all(more)).resolves.toHaveLength(8);
  });

  test("learns what a query takes also where every other one has time enough", async () => {
    const { lane, clock } = localLane(10);
    const queue = opened(createQueue(lane, { clock }));
    for (let i = 0; i < 6; i++) for (const slo of [{ latencyMs: 5 }, undefined]) await queue.run(input, slo);
    const answers = await Promise.allSettled([queue.run(input), queue.run(input, { latencyMs: 9, late: "refuse" })]);
    expect(answers).toMatchObject([{ status: "fulfilled" }, { status: "rejected", reason: { code: "deadline" } }]);
  });

  test("does not count waiting as what a query takes", async () => {
    const { lane, clock } = localLane(2);
    const queue = opened(createQueue(lane, { clock }));
    await Promise.all(Array.from({ length: 10 }, () => queue.run(input, { latencyMs: 8 })));
    await expect(Promise.all([queue.run(input), queue.run(input, { latencyMs: 3, late: "refuse" })])).resolves.toHaveLength(2);
    await expect(Promise.all([queue.run(input), queue.run(input, { latencyMs: 1.9, late: "refuse" })])).rejects.toMatchObject({
      code: "deadline",
    });
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["a session that was not awaited", createSession(model)],
    ["an object that answers nothing", {}],
    ["what cannot be disposed", { run: () => ({}) }],
    ["what is closed or not, and will not say when", { run: () => ({}), dispose() {}, closed: false }],
    ["what does not know whether it is closed", { run: () => ({}), dispose() {}, closed: undefined }],
    ["a number", 5],
  ])("refuses %s in place of a lane", async (_, lane) => {
    expect(() => createQueue(lane as LocalLane)).toThrow(expect.objectContaining({ code: "bad-option" }));
    const made = opened(createQueue(() => lane as LocalLane));
    if (!(lane instanceof Promise)) await expect(made.run(input)).rejects.toMatchObject({ code: "bad-option" });
  });

  test("counts from the call, what copying an input and refusing others takes included", async () => {
    const { lane, calls, clock, pass } = localLane(10);
    const slow = {
      get indices() {
        pass(5);
        return [1];
      },
      values: [1],
    };
    let looks = 0;
    // the first has its turn; of the others, each of those who are refused takes a millisecond
    const queue = opened(createQueue(lane, { clock: { now: () => clock.now() + (calls.length > 0 ? looks++ : 0) } }));
    const others = Array.from({ length: 20 }, () => queue.run(input, { latencyMs: 6, late: "refuse" }).catch(({ code }) => code));
    const all = [queue.run(slow, { latencyMs: 5.5 }), ...others, queue.run(input, { latencyMs: 1000 })];
    const codes = await Promise.all(all);
    expect(codes.filter((code) => (code as unknown) === "deadline")).toHaveLength(20);
    expect(calls).toHaveLength(2);
    expect(calls[0].waitedMs).toBe(5);
    expect(calls[1].waitedMs).toBeGreaterThan(30);
  });

  test("no deadline is met that is over when the answer is handed on, whatever the lane says", async () => {
    const { lane, clock, pass } = localLane(1);
    let stallMs = 0;
    const run: LocalLane["run"] = (...asked) => {
      const { output } = lane.run(...asked);
      pass(stallMs);
      return { output, report: { met: true } } as unknown as Answered;
    };
    const elsewhere: RemoteLane = { closed: new Promise(() => {}), dispose() {}, run: async (x, slo) => run(x, slo) };
    for (const one of [{ ...lane, run }, elsewhere]) {
      const queue = opened(createQueue(one, { clock }));
      for (const [ms, met] of [
        [0, true],
        [30, false],
        [19, true],
        [19.5, false],
      ] as const) {
        stallMs = ms;
        expect((await queue.run(input, { latencyMs: 20 })).report.met).toBe(met);
      }
      stallMs = 30;
      expect((await queue.run(input)).report.met).toBe(true);
    }
  });

  test("the deadline holds for waiting and answering together", async () => {
    const queue = opened(createQueue(await createSession(model)));
    const all = await Promise.all(Array.from({ length: 200 }, () => queue.run(input, { latencyMs: 1e5 })));
    for (const { report } of all) expect(report.met).toBe(true);
    expect(all[199].report.timeMs.waited).toBeGreaterThan(0);
  });
});

describe("the line", () => {
  test("is ordered by deadline and priority, also among those of one turn", async () => {
    const { lane, calls, clock } = localLane();
    const queue = opened(createQueue(lane, { clock }));
    await Promise.all([
      queue.run([3], { latencyMs: 300 }),
      queue.run([1], { latencyMs: 100 }),
      queue.run([4]),
      queue.run([2], { latencyMs: 200 }),
      queue.run([0], { latencyMs: 300 }, { priority: 2 }),
      queue.run([5], { latencyMs: 1 }, { priority: -30 }),
      queue.run([-1], undefined, { priority: 30 }),
    ]);
    expect(calls.map(({ input: x }) => (x as number[])[0])).toEqual([-1, 0, 1, 2, 3, 4, 5]);
  });

  test("settles in the order in which it answers", async () => {
    const { lane, clock } = localLane();
    const queue = opened(createQueue(lane, { clock }));
    const settledAs: number[] = [];
    await Promise.all([300, 100, 200].map((latencyMs) => queue.run([1], { latencyMs }).then(() => settledAs.push(latencyMs))));
    expect(settledAs).toEqual([100, 200, 300]);
  });

  test("keeps what it was given, whatever becomes of it while it waits", async () => {
    const { lane, calls, clock } = localLane();
    const queue = opened(createQueue(lane, { clock }));
    const buffer = new Float32Array(4);
    const view = buffer.subarray(1, 2);
    const indices = Uint32Array.of(0);
    const slo: Slo = { loss: 0.01 };
    const shape = [1];
    const inputs = (): QueryInput[] => [view, [buffer[1]], { indices, values: view }, { dtype: "float32", shape, data: view }];
    const answers = [1, 2].flatMap((value) => {
      buffer[1] = value;
      return inputs().map((input) => queue.run(input, slo));
    });
    buffer[1] = indices[0] = shape[0] = 9;
    slo.loss = -1;
    await Promise.all(answers);
    const [one, two] = [Float32Array.of(1), Float32Array.of(2)];
    const kept = [one, two].flatMap((data) => [
      data,
      [...data],
      { indices: Uint32Array.of(0), values: data },
      { dtype: "float32", shape: [1], data },
    ]);
    expect(calls.map(({ input }) => input)).toEqual(kept);
    expect(calls.map((call) => call.slo)).toEqual(kept.map(() => ({ loss: 0.01 })));
  });

  test("keeps a tensor whose class has accessors", async () => {
    const { lane, calls, clock } = localLane();
    const tensor = new (class {
      get shape(): number[] {
        return [1];
      }
      get dtype(): "float32" {
        return "float32";
      }
      get data(): Float32Array {
        return Float32Array.of(7);
      }
    })();
    await opened(createQueue(lane, { clock })).run(tensor);
    expect(calls[0].input).toEqual({ dtype: "float32", shape: [1], data: Float32Array.of(7) });
  });

  test("keeps lists, and a Buffer of Node's, whose own slice copies nothing", async () => {
    const { lane, calls, clock } = localLane();
    const queue = opened(createQueue(lane, { clock }));
    const pixels = Buffer.from([1, 2, 3]);
    const list = [1, 2, 3];
    const answers = [queue.run(pixels), queue.run(list), queue.run({ indices: list, values: list })];
    pixels.fill(9);
    list.fill(9);
    await Promise.all(answers);
    expect([...(calls[0].input as Uint8Array)]).toEqual([1, 2, 3]);
    expect(calls.slice(1).map(({ input: x }) => x)).toEqual([[1, 2, 3], { indices: [1, 2, 3], values: [1, 2, 3] }]);
  });

  test("counts waiting, and leaves time to those behind", async () => {
    const { lane, calls, clock, pass } = localLane(2);
    pass(1000);
    const queue = opened(createQueue(lane, { clock }));
    await Promise.all(Array.from({ length: 5 }, () => queue.run([0], { latencyMs: 50 })));
    expect(calls.map(({ waitedMs }) => waitedMs)).toEqual([0, 2, 4, 6, 8]);
    expect(calls.map(({ reservedMs }) => reservedMs)).toEqual([40, 36, 46 - 46 / 3, 22, 0]);
  });

  test("refuses nobody because those behind need time: what a session has to spare is more than its share", async () => {
    const { clock } = localLane();
    const latencyProfile = { levels: [1, 2].map((ms) => ({ p50: ms, p90: 1.5 * ms, p99: 2 * ms })) };
    const session = await createSession(model, { clock, latencyProfile, load: { stretch: 1 } });
    const queue = opened(createQueue(session, { clock }));
    const answers = await Promise.allSettled(Array.from({ length: 40 }, () => queue.run(input, { latencyMs: 50, late: "refuse" })));
    expect(answers.filter(({ status }) => status === "rejected")).toEqual([]);
  });

  test("leaves no time to the next in line where another lane takes that one", async () => {
    const [{ lane, calls, clock }, other] = [localLane(), localLane()];
    const queue = opened(createQueue([lane, other.lane], { clock }));
    await Promise.all([0, 1].map((i) => queue.run([i], { latencyMs: 50 })));
    expect(calls[0].reservedMs).toBe(0);
  });

  test("counts no less than no waiting where the clock is set back", async () => {
    const { lane, calls, clock, pass } = localLane();
    const queue = opened(createQueue(lane, { clock }));
    const answered = queue.run([0], { latencyMs: 50 });
    pass(-20);
    await answered;
    expect(calls[0].waitedMs).toBe(0);
  });

  test("tells a lane elsewhere what has passed and what is to be left to others", async () => {
    const told: unknown[] = [];
    const { clock, pass } = localLane();
    const run: RemoteLane["run"] = async (x, _, times) => {
      told.push(times);
      pass(2);
      return { output: { x } } as unknown as Answered;
    };
    const queue = opened(createQueue({ closed: new Promise(() => {}), dispose() {}, run }, { clock }));
    await Promise.all([queue.run([0], { latencyMs: 50 }), queue.run([1], { latencyMs: 50 })]);
    expect(told).toEqual([
      { waitedMs: 0, reservedMs: 25 },
      { waitedMs: 2, reservedMs: 0 },
    ]);
  });

  test("answers each before the next query runs, so that whoever asks again at once is in the line", async () => {
    const { lane, calls, clock } = localLane(0.01);
    const queue = opened(createQueue(lane, { clock }));
    const seen: number[] = [];
    const ask = async (name: number, latencyMs: number): Promise<void> => {
      await queue.run([name], { latencyMs });
      seen.push(calls.length);
    };
    await Promise.all([ask(0, 10).then(() => ask(1, 5)), ask(2, 20), ask(3, 30), ask(4, 40)]);
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  test("lets the event loop in between slices of work", async () => {
    const { lane, clock } = localLane(0.5);
    let turns = 0;
    const turn = async (): Promise<void> => void turns++;
    const queue = opened(createQueue(lane, { clock, turn }));
    await Promise.all(Array.from({ length: 100 }, () => queue.run([0])));
    expect(turns).toBeGreaterThanOrEqual(24);
    expect(turns).toBeLessThanOrEqual(26);
  });

  test("is bounded; who is late already makes room", async () => {
    const far = remoteLane();
    const { clock, pass } = localLane();
    const queue = opened(createQueue(far.lane, { most: 3, clock }));
    const running = queue.run([0]);
    await settled();
    const waiting = [queue.run([1], { latencyMs: 5 }), queue.run([2], { latencyMs: 1000 }), queue.run([3], { latencyMs: 1000 })];
    expect(queue.waiting).toBe(3);
    await expect(queue.run([4])).rejects.toMatchObject({ code: "overloaded" });
    pass(50);
    far.asked[0].resolve();
    await settled(); // the second runs now; the first of those that wait is found to be late
    const more = queue.run([5], { latencyMs: 1000 });
    expect(queue.waiting).toBe(3);
    const evenMore = queue.run([6], { latencyMs: 1000 });
    await expect(waiting[0]).rejects.toMatchObject({ code: "overloaded" });
    expect(queue.waiting).toBe(3);
    for (const turn of [1, 2, 3, 4]) {
      await settled();
      far.asked[turn].resolve();
    }
    await Promise.all([running, waiting[1], waiting[2], more, evenMore]);
  });

  test("holds a thousand, each as patient as for a second, where nothing else is said", async () => {
    const far = remoteLane();
    const { clock } = localLane();
    const queue = opened(createQueue(far.lane, { clock }));
    queue.run([0]).catch(() => {});
    await settled();
    const slos = [{ latencyMs: 1001 }, undefined, { latencyMs: 999 }, ...new Array<undefined>(997)];
    for (const slo of slos) queue.run([slo?.latencyMs ?? 0], slo).catch(() => {});
    await expect(queue.run([0])).rejects.toMatchObject({ code: "overloaded" });
    const latencies = slos.map((slo) => slo?.latencyMs ?? 0);
    for (let i = 0; i < 1000; i++) {
      far.asked[i].resolve();
      await settled();
    }
    const asked = far.asked.slice(1).map(({ input: x }) => (x as number[])[0]);
    expect([asked[0], asked[999], asked.length]).toEqual([latencies[2], latencies[0], 1000]);
  });

  test("is bounded by those in time, also while all lanes are busy for long", async () => {
    const far = remoteLane();
    const { clock, pass } = localLane();
    const queue = opened(createQueue(far.lane, { most: 3, clock }));
    queue.run([0]).catch(() => {});
    await settled();
    const { signal } = new AbortController();
    const late = [5, 6, 7].map((latencyMs) => queue.run([1], { latencyMs, signal }).catch(({ code }) => code));
    pass(50);
    for (let i = 0; i < 3; i++) queue.run([2], { latencyMs: 1000 }).catch(() => {});
    expect(await Promise.all(late)).toEqual(["overloaded", "overloaded", "overloaded"]);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await expect(queue.run([3], { latencyMs: 1000, signal })).rejects.toMatchObject({ code: "overloaded" });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    expect(queue.waiting).toBe(3);
  });

  test("is kept by those who wait from newcomers who are refused on arrival", async () => {
    const { lane, clock, pass } = localLane(10);
    const queue = opened(createQueue(lane, { most: 3, clock }));
    for (let i = 0; i < 5; i++) await queue.run([0], { latencyMs: 5 });
    const late = [5, 6, 7].map((latencyMs) => queue.run([1], { latencyMs }));
    pass(50);
    await expect(queue.run([2], { latencyMs: 9, late: "refuse" })).rejects.toMatchObject({ code: "deadline" });
    await expect(Promise.all(late)).resolves.toHaveLength(3);
  });

  test("refuses who asked for it as soon as a miss is certain", async () => {
    const { lane, calls, clock } = localLane(10);
    const queue = opened(createQueue(lane, { clock }));
    for (let i = 0; i < 5; i++) await queue.run([0], { latencyMs: 5 });
    const answers = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => queue.run([i], { latencyMs: 35, late: "refuse" })));
    // a fourth would be answered after 40
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    for (const answer of answers) if (answer.status === "rejected") expect(answer.reason).toMatchObject({ code: "deadline" });
    expect(calls).toHaveLength(8);
    const late = await Promise.all(Array.from({ length: 6 }, (_, i) => queue.run([i], { latencyMs: 35 })));
    expect(late).toHaveLength(6); // these did not ask for it
  });
});

describe("a deadline that passes in line", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());
  const refusable = (latencyMs: number): Slo => ({ latencyMs, late: "refuse" });

  test("is refused while all lanes are busy, or none is there yet", async () => {
    const far = remoteLane();
    for (const lane of [far.lane, (): Promise<RemoteLane> => new Promise(() => {})]) {
      const { clock, pass } = localLane();
      const queue = opened(createQueue(lane, { clock }));
      const patient = [queue.run([0]), queue.run([1], { latencyMs: 5 })];
      const refused = [refusable(30), refusable(20), refusable(20.5)].map((slo, i) => queue.run([i], slo));
      await settled();
      const before = queue.waiting;
      const seen: string[] = [];
      for (const [i, one] of refused.entries()) one.catch(({ code }) => seen.push(`${code} ${i}`));
      pass(20);
      vi.advanceTimersByTime(20);
      await settled();
      expect(seen).toEqual(["deadline 1"]);
      pass(10);
      vi.advanceTimersByTime(10);
      await settled();
      expect(seen.sort()).toEqual(["deadline 0", "deadline 1", "deadline 2"]);
      expect(queue.waiting).toBe(before - 3);
      expect(vi.getTimerCount()).toBe(0);
      for (const one of patient) one.catch(() => {});
    }
  });

  test("is the queue's clock's to tell, not the timer's", async () => {
    const { clock, pass } = localLane();
    pass(4096.1);
    const queue = opened(createQueue(() => new Promise<RemoteLane>(() => {}), { clock }));
    const refused = queue.run([0], refusable(20));
    vi.advanceTimersByTime(1000);
    await settled();
    expect(queue.waiting).toBe(1);
    pass(21.1);
    vi.advanceTimersByTime(20);
    const message = "deadline: got 21.1 ms of waiting, expected an answer within 20";
    await expect(refused).rejects.toMatchObject({ code: "deadline", message });
  });

  test("leaves no timer behind when its request was answered, given up, or the queue closed", async () => {
    const { lane, clock } = localLane();
    const here = opened(createQueue(lane, { clock }));
    await Promise.all([here.run([0], refusable(20)), here.run([1], refusable(2 ** 40))]);
    await settled();
    expect(vi.getTimerCount()).toBe(0);
    const nowhere = createQueue(() => new Promise<RemoteLane>(() => {}), { clock });
    const controller = new AbortController();
    const stopped = nowhere.run([0], { ...refusable(20), signal: controller.signal });
    expect(vi.getTimerCount()).toBe(1);
    await settled();
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
    expect(vi.getTimerCount()).toBe(0);
    const waiting = nowhere.run([0], refusable(20));
    expect(vi.getTimerCount()).toBe(1);
    await settled();
    nowhere.close();
    await expect(waiting).rejects.toMatchObject({ code: "disposed" });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a signal", () => {
  test("takes a request out of the line, and does not matter once it was answered", async () => {
    const far = remoteLane();
    const queue = opened(createQueue(far.lane));
    const first = queue.run([0]);
    await settled();
    const controller = new AbortController();
    const second = queue.run([1], { signal: controller.signal });
    expect(queue.waiting).toBe(1);
    controller.abort("enough");
    await expect(second).rejects.toMatchObject({ code: "aborted", cause: "enough" });
    expect(queue.waiting).toBe(0);
    far.asked[0].resolve();
    await first;
    await settled();
    expect(far.asked).toHaveLength(1);

    const after = new AbortController();
    const third = queue.run([2], { signal: after.signal });
    await settled();
    far.asked[1].resolve();
    await expect(third).resolves.toBeDefined();
    after.abort();
  });

  test("is listened to once, by however many, until none of them waits", async () => {
    const { signal } = new AbortController();
    const far = remoteLane();
    const queue = opened(createQueue(far.lane));
    const all = Array.from({ length: 12 }, (_, i) => queue.run([i], { signal }));
    for (let i = 0; i < all.length; i++) {
      expect(getEventListeners(signal, "abort")).toHaveLength(1);
      await settled();
      far.asked[i].resolve();
    }
    await Promise.all(all);
    await settled();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("is listened to no longer by a request that is answered here, late, dropped or closed upon", async () => {
    const { signal } = new AbortController();
    const listeners = (): number => getEventListeners(signal, "abort").length;
    const here = localLane();
    await opened(createQueue(here.lane, { clock: here.clock })).run([0], { signal });
    expect(listeners()).toBe(0);

    const far = remoteLane();
    const { clock, pass } = localLane();
    const queue = opened(createQueue(far.lane, { clock, most: 1 }));
    const running = queue.run([0]);
    await settled();
    const refused = queue.run([1], { signal, latencyMs: 5, late: "refuse" });
    expect(listeners()).toBe(1);
    pass(50);
    far.asked[0].resolve();
    await expect(refused).rejects.toMatchObject({ code: "deadline" });
    expect(listeners()).toBe(0);
    await running;

    const next = queue.run([2]);
    await settled();
    const waits = queue.run([3], { signal });
    waits.catch(() => {});
    queue.close();
    await expect(waits).rejects.toMatchObject({ code: "disposed" });
    expect(listeners()).toBe(0);
    far.asked[1].resolve();
    await next;
  });

  test("that many share is listened to once, also while lanes elsewhere are at it, and stops them all", async () => {
    const lanes = Array.from({ length: 12 }, remoteLane);
    const queue = opened(createQueue(lanes.map(({ lane }) => lane)));
    const controller = new AbortController();
    const all = lanes.map((_, i) => queue.run([i], { loss: 0.1, signal: controller.signal }));
    await settled();
    const told = lanes.map(({ asked }) => asked[0].slo);
    const heard: unknown[] = [];
    for (const slo of told) slo?.signal?.addEventListener("abort", () => heard.push(slo.signal?.reason));
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
    expect(told[0]).toEqual({ loss: 0.1, signal: expect.any(AbortSignal) });
    controller.abort("enough");
    for (const one of all) await expect(one).rejects.toMatchObject({ code: "aborted", cause: "enough" });
    expect(heard).toEqual(lanes.map(() => "enough"));
  });

  test("that has fired keeps a request out; while it runs, it stops the lane", async () => {
    const far = remoteLane();
    const queue = opened(createQueue(far.lane));
    await expect(queue.run([0], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
    const controller = new AbortController();
    const running = queue.run([1], { signal: controller.signal });
    await settled();
    expect(far.asked[0].slo?.signal?.aborted).toBe(false);
    controller.abort();
    expect(far.asked[0].slo?.signal?.aborted).toBe(true);
    await expect(running).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("a pool", () => {
  test("keeps every lane busy, one request each", async () => {
    const [a, b] = [remoteLane(), remoteLane()];
    const queue = opened(createQueue([a.lane, () => b.lane]));
    await settled();
    const all = [0, 1, 2].map((i) => queue.run([i]));
    await settled();
    expect([a.asked.length, b.asked.length, queue.waiting]).toEqual([1, 1, 1]);
    b.asked[0].resolve();
    await settled();
    expect([a.asked.length, b.asked.length, queue.waiting]).toEqual([1, 2, 0]);
    a.asked[0].resolve();
    b.asked[1].resolve();
    await Promise.all(all);
  });

  test("asks lanes elsewhere before the one in this thread, which would hold them up", async () => {
    const [a, b] = [remoteLane(), remoteLane()];
    const here = localLane();
    const queue = opened(createQueue([here.lane, a.lane, b.lane]));
    const two = [queue.run([0]), queue.run([1])];
    await settled();
    expect([a.asked.length, b.asked.length, here.calls.length]).toEqual([1, 1, 0]);
    await queue.run([2]);
    expect([a.asked.length, b.asked.length, here.calls.length]).toEqual([1, 1, 1]);
    for (const { asked } of [a, b]) asked[0].resolve();
    await Promise.all(two);
  });

  test("heals: what a lane died with fails, what waits is answered by the next", async () => {
    const made: ReturnType<typeof remoteLane>[] = [];
    const queue = opened(
      createQueue(() => {
        made.push(remoteLane());
        return made[made.length - 1].lane;
      }),
    );
    await settled();
    const [first, second] = [queue.run([0]), queue.run([1])];
    await settled();
    made[0].die();
    await expect(first).rejects.toMatchObject({ code: "worker" });
    await settled();
    expect(made).toHaveLength(2);
    made[1].asked[0].resolve();
    await expect(second).resolves.toBeDefined();
  });

  test("outlives a lane elsewhere that throws instead of rejecting, or gives no promise", async () => {
    const given: unknown[] = [];
    const run = ((x: number[]) => {
      if (x[0] === 0) throw new SlonnError("bad-input", "input: got nothing (a test), expected something");
      given.push(x);
      return { output: x };
    }) as unknown as RemoteLane["run"];
    const queue = opened(createQueue({ ...remoteLane().lane, run }));
    const answers = await Promise.allSettled([queue.run([0]), queue.run([1]), queue.run([2])]);
    expect(answers).toMatchObject([{ reason: { code: "bad-input" } }, { value: { output: [1] } }, { value: { output: [2] } }]);
    expect(given).toEqual([[1], [2]]);
  });

  test("without a lane left, and none to be made, refuses instead of waiting forever", async () => {
    const far = remoteLane();
    const queue = opened(createQueue(far.lane));
    const all = [queue.run([0]), queue.run([1])];
    await settled();
    far.die();
    for (const one of all) await expect(one).rejects.toMatchObject({ code: "worker" });
    await settled();
    await expect(queue.run([2])).rejects.toMatchObject({ code: "worker" });
  });

  test("tries again to make a lane when somebody asks", async () => {
    let tries = 0;
    const far = remoteLane();
    const queue = opened(
      createQueue(async () => {
        if (++tries === 1) throw new Error("not today");
        return far.lane;
      }),
    );
    await settled();
    await settled();
    const answer = queue.run([0]);
    await settled();
    await settled();
    far.asked[0].resolve();
    await expect(answer).resolves.toBeDefined();
    const hopeless = opened(createQueue(() => Promise.reject(new SlonnError("unreadable", "model: gone"))));
    await expect(hopeless.run([0])).rejects.toMatchObject({ code: "unreadable" });
  });

  test("closing rejects who waits, disposes what it made, and nothing else", async () => {
    const [given, made] = [remoteLane(), remoteLane()];
    const queue = createQueue([given.lane, () => made.lane]);
    await settled();
    const all = [0, 1, 2].map((i) => queue.run([i]));
    await settled();
    queue.close();
    queue[Symbol.dispose]();
    await expect(all[2]).rejects.toMatchObject({ code: "disposed" });
    expect([given.isDisposed, made.isDisposed]).toEqual([false, true]);
    await expect(queue.run([3])).rejects.toMatchObject({ code: "disposed" });
    given.asked[0].resolve();
    await all[0];
  });
});

describe("sessions behind Workers", () => {
  const program = pathToFileURL(resolve("build/js/worker-thread.js"));

  test("answer like a session, and one that dies is replaced", async () => {
    const workers: Worker[] = [];
    const sessions: WorkerSession[] = [];
    const create = async (): Promise<WorkerSession> => {
      const worker = new Worker(program);
      workers.push(worker);
      const session = await createWorkerSession(model, { worker });
      sessions.push(session);
      return session;
    };
    const queue = opened(createQueue([create, create]));
    const expected = (await createSession(model)).run(input, { exact: true }).output.data;
    const answers = await Promise.all(Array.from({ length: 40 }, () => queue.run(input, { exact: true, late: undefined })));
    for (const { output } of answers) expect(output.data).toEqual(expected);
    const until = async (count: number): Promise<void> => {
      for (let i = 0; i < 2500 && sessions.length < count; i++) await new Promise((done) => setTimeout(done, 20));
      expect(sessions).toHaveLength(count);
    };
    await until(2);

    const dying = Promise.allSettled(Array.from({ length: 40 }, () => queue.run(input, { exact: true })));
    await workers[0].terminate();
    for (const outcome of await dying)
      if (outcome.status === "fulfilled") expect(outcome.value.output.data).toEqual(expected);
      else expect(outcome.reason).toMatchObject({ code: "worker" });
    expect((await dying).filter(({ status }) => status === "rejected").length).toBeLessThanOrEqual(1);
    await queue.run(input, { latencyMs: 1e5 });
    await until(3);
    expect(workers).toHaveLength(3);
  }, 240_000);
});

describe("refuses", () => {
  test.each<[string, () => unknown]>([
    ["no lanes", () => createQueue([])],
    ["room for nobody", () => createQueue(localLane().lane, { most: 0 })],
    ["a fraction of a place", () => createQueue(localLane().lane, { most: 1.5 })],
    ["patience without end", () => createQueue(localLane().lane, { patienceMs: Number.POSITIVE_INFINITY })],
    ["an option nobody knows", () => createQueue(localLane().lane, { max: 3 } as object)],
    ["options that are none", () => createQueue(localLane().lane, null as unknown as object)],
    ["a clock that is none", () => createQueue(localLane().lane, { clock: 5 as unknown as Clock })],
    ["a clock of nothing", () => createQueue(localLane().lane, { clock: null as unknown as Clock })],
    ["patience of no time", () => createQueue(localLane().lane, { patienceMs: 0 })],
    ["patience that is none", () => createQueue(localLane().lane, { patienceMs: Number.NaN })],
    ["a turn that is none", () => createQueue(localLane().lane, { turn: 5 as never })],
    ["a lane made by a lane", () => createQueue(Symbol("lane") as never)],
  ])("%s", (_, create) => {
    expect(create).toThrow(expect.objectContaining({ code: "bad-option" }));
  });

  test.each(["1", 1n, Symbol("1"), [1], true, { valueOf: () => 1 }, Object.create(null)])("a number that is none: %o", async (odd) => {
    const { lane, calls } = localLane();
    const refused = (subject: string) =>
      expect.objectContaining({ code: "bad-option", message: expect.stringMatching(`^${subject}: got .+, expected a`) });
    expect(() => createQueue(lane, { most: odd })).toThrow(refused("most"));
    expect(() => createQueue(lane, { patienceMs: odd })).toThrow(refused("patienceMs"));
    const queue = opened(createQueue(lane));
    await expect(queue.run([0], {}, { priority: odd })).rejects.toEqual(refused("priority"));
    await settled();
    expect(calls).toEqual([]);
  });

  test.each<[string, unknown, unknown, string]>([
    ["an SLO that is none", "loss=0.1", {}, "bad-slo"],
    ["a deadline of NaN", { latencyMs: Number.NaN }, {}, "bad-slo"],
    ["a deadline of nothing", { latencyMs: 0 }, {}, "bad-slo"],
    ["an endless deadline", { latencyMs: Number.POSITIVE_INFINITY }, {}, "bad-slo"],
    ["another word for late", { latencyMs: 1, late: "maybe" }, {}, "bad-slo"],
    ["late without a deadline", { late: "refuse" }, {}, "bad-slo"],
    ["a signal that nobody could hear", { signal: { aborted: false } }, {}, "bad-slo"],
    ["an option nobody knows", {}, { prio: 3 }, "bad-option"],
    ["options that are none", {}, null, "bad-option"],
    ["a priority that is none", {}, { priority: Number.NaN }, "bad-option"],
    ["a priority beyond all others", {}, { priority: 30.5 }, "bad-option"],
    ["a priority behind all others", {}, { priority: -30.5 }, "bad-option"],
  ])("%s", async (_, slo, options, code) => {
    const queue = opened(createQueue(localLane().lane));
    await expect(queue.run([0], slo as Slo, options as object)).rejects.toMatchObject({ code });
    expect(queue.waiting).toBe(0);
  });
});

test("a hundred thousand requests are answered, in order, by a session", async () => {
  const { lane, calls, clock } = localLane(0.001);
  const queue = opened(createQueue(lane, { most: 100_000, clock, turn: async () => {} }));
  const all = Array.from({ length: 100_000 }, (_, i) => queue.run([i], { latencyMs: 1e6 + (i % 1000) }));
  await expect(queue.run([0])).rejects.toMatchObject({ code: "overloaded" });
  await Promise.all(all);
  expect(calls).toHaveLength(100_000);
  const due = calls.map(({ input: x }) => (x as number[])[0] % 1000);
  expect(due.every((d, i) => i === 0 || d >= due[i - 1])).toBe(true);
});

test("a clock that throws leaves no request without an answer, whenever it does, and nothing else is blamed", async () => {
  for (const one of [() => localLane().lane, () => ({ ...remoteLane().lane, run: async () => ({ report: {} }) as unknown as Answered })])
    for (let moment = 1; moment <= 40; moment++) {
      let looks = 0;
      const now = (): number => {
        if (++looks === moment) throw new RangeError("clock");
        return looks;
      };
      const queue = opened(createQueue(one(), { clock: { now }, turn: async () => {} }));
      const { signal } = new AbortController();
      const slos: Slo[] = [
        { latencyMs: 1e6, signal },
        { latencyMs: 9 },
        { latencyMs: 9, late: "refuse" },
        { latencyMs: 9, late: "refuse" },
        {},
      ];
      const all = Promise.allSettled(slos.map((slo) => queue.run([0], slo)));
      const answers = (await Promise.race([all, settled().then(settled).then(settled)])) as PromiseSettledResult<Answered>[];
      expect(answers).toHaveLength(slos.length);
      for (const answer of answers) if (answer.status === "rejected") expect(answer.reason.message).toMatch(/^(clock$|deadline: )/);
      expect(queue.waiting).toBe(0);
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
    }
});

test("clocks that jump, stand still or run backwards lose nobody", async () => {
  for (const now of [
    () => 5,
    () => Number.NaN,
    (
      (t) => () =>
        (t -= 10)
    )(0),
    (
      (t) => () =>
        (t += 1e6)
    )(0),
  ]) {
    const { lane } = localLane();
    const queue = opened(createQueue(lane, { clock: { now }, turn: async () => {} }));
    const all = await Promise.all(Array.from({ length: 50 }, () => queue.run([0], { latencyMs: 10 })));
    expect(all).toHaveLength(50);
  }
});
