// A worker session with real Workers of Node. Other runtimes: test/runtimes.

import { getEventListeners, once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { WorkerLike } from "../../src/adapters/start-worker.ts";
import { createThread } from "../../src/adapters/thread.ts";
import type { Question, Reply } from "../../src/adapters/worker-messages.ts";
import { createWorkerSession, type WorkerSession, type WorkerSessionOptions } from "../../src/adapters/worker-session.ts";
import { type Activation, createModel, type Model } from "../../src/model/model.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { nextTurn } from "../../src/next-turn.ts";
import type { Ladder, LayerSetting, Level } from "../../src/profile/ladder.ts";
import { createSession } from "../../src/session/session.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

const folder = mkdtempSync(join(tmpdir(), "slonn-worker-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "model.slonn");
const model = madeUpModel([20, 64, 10], 1);
const rows = madeUpRows(20, 20, 2);
const row = (i: number): Float32Array => rows.data.slice(20 * i, 20 * (i + 1));
beforeAll(() => writeFileSync(path, encodeModel(model)));

const program = pathToFileURL(resolve("build/js/worker-thread.js"));
const opened: WorkerSession[] = [];
afterEach(() => {
  for (const session of opened.splice(0)) session.dispose();
});

async function open(source: Parameters<typeof createWorkerSession>[0] = path, options: WorkerSessionOptions = {}): Promise<WorkerSession> {
  const session = await createWorkerSession(source, { worker: program, ...options });
  opened.push(session);
  return session;
}

/** A wide model with a level that computes a dozen of its outputs. */
function candidatesOf(activation: Activation): Model {
  const outputs = 300;
  const { layers } = madeUpModel([20, 24, outputs], 1, "relu", activation);
  const few: LayerSetting = { kind: "ranked", activator: "screen", variant: 8, unit: "node", by: "top-k", amount: 12 / outputs };
  const level = (kind: "exact" | "dense", last: LayerSetting, loss: number): Level => ({
    rungs: [{ layers: [{ kind }, last] }],
    cost: { macs: { mean: 1, p99: 1, max: 1 }, bytes: 1, nodes: [1, 1] },
    observed: { agreement: 1, accuracy: 1, loss: 0 },
    certificates: [{ kind: "loss", bound: loss, confidence: 0.95, samples: 1000 }],
  });
  const levels = [level("exact", few, 0.1), level("dense", { kind: "dense" }, 0)];
  const ladder: Ladder = { version: 1, metric: "accuracy", promise: { kind: "loss", bound: 0.1, confidence: 0.95 }, levels };
  return createModel("wide", layers, { ladder, tensors: new Map() });
}

/** A Worker with a program of the test's own. */
const running = (code: string): Worker => new Worker(code, { eval: true });

describe("a worker session", () => {
  test("answers as a session does, in order, many at once", async () => {
    const session = await open();
    const here = await createSession(model);
    expect(session).toMatchObject({ backend: here.backend, levels: here.levels, memoryBytes: here.memoryBytes, pending: 0 });
    const pending = Array.from({ length: 20 }, (_, i) => session.run(row(i), { exact: true }));
    expect(session.pending).toBe(20);
    (await Promise.all(pending)).forEach(({ output, report }, i) => {
      const expected = here.run(row(i), { exact: true });
      expect(output.data).toEqual(expected.output.data);
      expect(output.top(2)).toEqual(expected.output.top(2));
      expect(report.nodes).toEqual(expected.report.nodes);
    });
    expect(session.pending).toBe(0);
  });

  test.each<[string, () => Parameters<typeof createWorkerSession>[0]]>([
    ["a path", () => path],
    ["a URL", () => pathToFileURL(path)],
    ["bytes", () => readFileSync(path)],
    ["a buffer", () => new Uint8Array(readFileSync(path)).buffer],
    ["shared memory", () => shared(readFileSync(path))],
    ["a Blob", () => new Blob([readFileSync(path)])],
    ["a Blob's URL", () => URL.createObjectURL(new Blob([readFileSync(path)]))],
    ["a Response", () => new Response(readFileSync(path))],
    ["a stream", () => new Blob([readFileSync(path)]).stream()],
    ["a model", (): Model => model],
  ])("takes %s", async (_, source) => {
    const { output } = await (await open(source())).run(row(0));
    expect(output.data).toEqual((await createSession(model)).run(row(0)).output.data);
  });

  test("copies bytes and inputs unless told to hand them over", async () => {
    const bytes = new Uint8Array(readFileSync(path));
    await open(bytes);
    expect(bytes.byteLength).toBeGreaterThan(0);
    const session = await open(bytes, { transfer: true });
    expect(bytes.byteLength).toBe(0);
    const kept = row(0);
    const { output } = await session.run(kept);
    expect(kept.length).toBe(20);
    const given = { indices: Uint32Array.of(0, 1), values: Float32Array.of(1, 2) };
    await session.run(given, undefined, { transfer: true });
    expect([given.indices.length, given.values.length]).toEqual([0, 0]);
    expect(output.data.length).toBe(10);
  });

  test("does not send along what a view leaves out", async () => {
    const bytes = readFileSync(path);
    const large = new Uint8Array(4 * bytes.length);
    large.set(bytes, 100);
    const view = large.subarray(100, 100 + bytes.length);
    const sent: Uint8Array[] = [];
    const worker = new Worker(program);
    const post = worker.postMessage.bind(worker);
    worker.postMessage = (message, transfer) => {
      sent.push(message.source);
      post(message, transfer);
    };
    await open(view, { worker, transfer: true });
    expect(sent[0].byteLength).toBe(0); // gone with the message
    expect(view.byteLength).toBe(bytes.length); // a view of memory that others may use is never handed over
  });

  test("tells how far the model is", async () => {
    const seen: [number, number | null][] = [];
    await open(path, { onProgress: (loaded, total) => seen.push([loaded, total]) });
    const size = readFileSync(path).length;
    expect(seen.at(-1)).toEqual([size, size]);
  });

  test.each<[string, () => Parameters<typeof createWorkerSession>[0]]>([
    ["there", () => path],
    ["here", () => new Blob([readFileSync(path)]).stream()],
  ])("rejects with what hearing of progress throws, where the model is read %s, and leaves no Worker", async (_, source) => {
    let told = 0;
    const onProgress = (): void => {
      throw new RangeError(`progress ${told++}`);
    };
    const exits: Promise<unknown>[] = [];
    const worker = (): Worker => {
      const made = new Worker(program);
      exits.push(once(made, "exit"));
      return made;
    };
    await expect(createWorkerSession(source(), { worker, onProgress })).rejects.toThrow(new RangeError("progress 0"));
    await Promise.all(exits);
    expect(told).toBe(1);
  });

  test("starts its Worker while a stream is read, and ends it where the stream breaks", async () => {
    const openSlow = (last: (controller: ReadableStreamDefaultController<Uint8Array>) => void) => {
      let start: (worker: Worker) => void;
      const started = new Promise<Worker>((resolve) => {
        start = resolve;
      });
      const worker = (): Worker => {
        const made = new Worker(program);
        start(made);
        return made;
      };
      const source = new ReadableStream<Uint8Array>({
        async pull(controller) {
          await once(await started, "online");
          controller.enqueue(new Uint8Array(readFileSync(path)));
          last(controller);
        },
      });
      return { started, session: open(source, { worker }) };
    };
    const whole = openSlow((controller) => controller.close());
    expect((await (await whole.session).run(row(0))).output.data.length).toBe(10);
    const broken = openSlow((controller) => controller.error(new Error("the line is dead")));
    const exit = once(await broken.started, "exit");
    await expect(broken.session).rejects.toMatchObject({ code: "unreadable" });
    await exit;
  });

  test("measures latencies there, for itself and for others, and tells the load", async () => {
    const session = await open();
    // kept behind accessors, as a tensor of ONNX Runtime keeps them
    class Tensor {
      get dtype() {
        return "float32" as const;
      }
      get shape() {
        return [1, 20];
      }
      get data() {
        return rows.data.subarray(0, 20);
      }
    }
    const own = row(1);
    const inputs = [new Tensor(), own, rows.data.subarray(0, 20), { indices: Uint32Array.of(0), values: Float32Array.of(1) }];
    const profile = await session.measureLatency(inputs);
    expect(own).toEqual(row(1));
    expect(profile.levels).toHaveLength(session.levels.length);
    expect(await session.load()).toEqual({ stretch: 1, deviation: expect.any(Number), lostPerMs: 0 });
    const other = await open(path, { latencyProfile: profile });
    expect((await other.run(row(0), { latencyMs: 1000 })).report.timeMs.decide).toBeGreaterThanOrEqual(0);
    expect((await (await open()).measureLatency()).origin).toEqual(profile.origin);
    await expect(session.measureLatency([[1, 2]])).rejects.toMatchObject({ code: "bad-input" });
    session.dispose();
    await expect(session.load()).rejects.toMatchObject({ code: "disposed" });
    await expect(session.measureLatency()).rejects.toMatchObject({ code: "disposed" });
  });

  test("runs a program given as text: a URL or a path", async () => {
    for (const worker of [program.href, fileURLToPath(program)])
      expect((await (await open(path, { worker })).run(row(0))).output.data.length).toBe(10);
  });

  test("passes errors on with their codes", async () => {
    await expect(createWorkerSession(join(folder, "nowhere.slonn"), { worker: program })).rejects.toMatchObject({
      name: "SlonnError",
      code: "unreadable",
    });
    await expect(createWorkerSession(Uint8Array.of(1, 2, 3), { worker: program })).rejects.toMatchObject({ code: "bad-file" });
    const session = await open();
    await expect(session.run([1, 2])).rejects.toMatchObject({ code: "bad-input", message: "input: got 2 numbers, expected 20" });
    await expect(session.run(row(0), { loss: 2 })).rejects.toMatchObject({ code: "bad-slo" });
    await expect(session.run((() => {}) as never)).rejects.toMatchObject({ code: "bad-input" });
    expect((await session.run(row(0))).output.data.length).toBe(10);
  });

  test("no deadline is met that was over when the answer came", async () => {
    const session = await open();
    await session.measureLatency();
    const answer = session.run(row(0), { latencyMs: 20 });
    // the Worker is done in time; here nobody hears of it
    const cell = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(cell, 0, 0, 100);
    const { report } = await answer;
    expect(report.met).toBe(false);
    expect((await session.run(row(0), { latencyMs: 60_000 })).report.met).toBe(true);
    expect((await session.run(row(0), { latencyMs: 60_000 }, { waitedMs: 60_000 })).report.met).toBe(false);
  });

  test("two sessions of different models do not meet", async () => {
    const other = madeUpModel([20, 16, 3], 9);
    const [a, b] = [await open(), await open(other)];
    const [x, y] = await Promise.all([a.run(row(1)), b.run(row(1))]);
    expect([x.output.data.length, y.output.data.length]).toEqual([10, 3]);
    expect(y.output.data).toEqual((await createSession(other)).run(row(1)).output.data);
  });
});

describe("over messages alone", () => {
  /** A Worker of the web, but in this thread: its answers come a turn later, `between` whatever is put there. */
  function here(between: (reply: Reply, say: (data: unknown) => void) => unknown = (reply, say) => say(reply)) {
    const target = new EventTarget();
    let isOver = false;
    const say = (data: unknown): void => void (isOver || target.dispatchEvent(new MessageEvent("message", { data })));
    const receive = createThread({ post: (reply) => void nextTurn().then(() => between(structuredClone(reply), say)), turn: nextTurn });
    const asked: Question[] = [];
    const worker = Object.assign(target, {
      postMessage(question: Question, transfer: Transferable[]) {
        const arrived = structuredClone(question, { transfer });
        asked.push(arrived);
        receive(arrived);
      },
      terminate: () => {
        isOver = true;
      },
    });
    return { worker, say, asked, isOver: () => isOver };
  }

  test.each(["softmax", "identity"] as const)(
    "fills in the outputs that were not computed, as a session does, of %s",
    async (activation) => {
      const wide = candidatesOf(activation);
      const session = await open(wide, { worker: here().worker });
      const { output } = await session.run(row(0), { loss: 0.1 });
      const expected = (await createSession(wide)).run(row(0), { loss: 0.1 }).output;
      expect(output.indices).toHaveLength(12);
      expect(output.data).toEqual(expected.data);
      expect(output.top(20)).toEqual(expected.top(20));
    },
  );

  test("answers as a session does, and counts what is pending", async () => {
    const { worker, isOver } = here();
    const session = await open(model, { worker });
    const answers = [session.run(row(0)), session.run(row(1), {}), session.measureLatency(), session.load()];
    expect(session.pending).toBe(4);
    const [first] = (await Promise.all(answers)) as Awaited<ReturnType<WorkerSession["run"]>>[];
    expect(first.output.data).toEqual((await createSession(model)).run(row(0)).output.data);
    expect(session.pending).toBe(0);
    session.dispose();
    expect(isOver()).toBe(true);
  });

  test("hears nothing of what nobody asked, is told twice, or comes too late", async () => {
    const { worker, say } = here((reply, to) => {
      for (const odd of [null, undefined, 5, "text", {}, { kind: "answer" }, { kind: "error", id: 99, code: null, message: "odd" }])
        to(odd);
      to(reply);
      to({ ...reply, kind: "error", code: "bad-input", message: "told twice" });
    });
    const session = await open(model, { worker });
    const controller = new AbortController();
    const stopped = session.run(row(0), { signal: controller.signal });
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
    expect((await session.run(row(0))).output.data).toHaveLength(10);
    expect(session.pending).toBe(0);
    session.dispose();
    say({ kind: "load", id: 0 });
  });

  test("refuses an answer to another question", async () => {
    const { worker } = here((reply, say) => say(reply.kind === "answer" ? { kind: "load", id: reply.id, load: null } : reply));
    const session = await open(model, { worker });
    const refused = { code: "worker", message: "worker: got load as an answer, expected answer" };
    await expect(session.run(row(0))).rejects.toMatchObject(refused);
  });

  test("tells the Worker what may be stopped, what was asked, and no signal", async () => {
    const { worker, asked } = here();
    const session = await open(model, { worker });
    const { signal } = new AbortController();
    await session.run(row(0));
    await session.run(row(0), { signal });
    await session.run(row(0), { loss: 0.5, signal }, { waitedMs: 1, reservedMs: 2 });
    const said = asked.slice(1).map((question) => ({ ...question, id: 0, input: 0, askedMs: 0 }));
    const run = { kind: "run", id: 0, input: 0, askedMs: 0, waitedMs: 0, reservedMs: 0 };
    expect(said).toEqual([
      { ...run, slo: undefined, stoppable: false },
      { ...run, slo: {}, stoppable: true },
      { ...run, slo: { loss: 0.5 }, stoppable: true, waitedMs: 1, reservedMs: 2 },
    ]);
    expect(asked[0]).toMatchObject({ kind: "open", progress: false });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("leaves no listener on a signal, whether a session comes of it or not, and hears none afterwards", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const session = await open(model, { worker: here().worker, signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await expect(open(new Uint8Array(3), { worker: here().worker, signal })).rejects.toMatchObject({ code: "bad-file" });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    controller.abort();
    expect((await session.run(row(0))).output.data).toHaveLength(10);
  });

  test("an abort is heard at whatever moment it comes: no session, a Worker that has ended, and no listener left", async () => {
    for (let moment = 0; moment < 40; moment++) {
      const controller = new AbortController();
      const { signal } = controller;
      const { worker, isOver } = here();
      const abortLater = async (): Promise<void> => {
        for (let i = 0; i < moment; i++) await null;
        controller.abort();
      };
      const made = async (): Promise<WorkerLike> => {
        void abortLater();
        return worker;
      };
      const opening = createWorkerSession(model, { worker: made, signal });
      await expect(opening).rejects.toMatchObject({ code: "aborted" });
      await nextTurn();
      expect(isOver()).toBe(true);
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
    }
  });

  test("the Worker is told of a query that was stopped, and nothing is pending where all are over", async () => {
    const { worker, asked } = here((reply, say) => reply.kind === "opened" && say(reply));
    const session = await open(model, { worker });
    const controller = new AbortController();
    const stopped = session.run(row(0), { signal: controller.signal });
    const waiting = session.run(row(1));
    await nextTurn();
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
    expect(asked.map(({ kind, id }) => [kind, id])).toEqual([
      ["open", 0],
      ["run", 1],
      ["run", 2],
      ["stop", 1],
    ]);
    expect(session.pending).toBe(1);
    session.dispose();
    await expect(waiting).rejects.toMatchObject({ code: "disposed" });
    expect(session.pending).toBe(0);
  });

  test("an abort is heard while a Worker is still to be made, and one that comes later ends", async () => {
    const controller = new AbortController();
    const { worker, isOver } = here();
    let come = (_: WorkerLike): void => {};
    const made = (): Promise<WorkerLike> =>
      new Promise((resolve) => {
        come = resolve;
      });
    const opening = createWorkerSession(model, { worker: made, signal: controller.signal });
    await nextTurn();
    controller.abort();
    await expect(opening).rejects.toMatchObject({ code: "aborted" });
    come(worker);
    await nextTurn();
    expect(isOver()).toBe(true);
  });

  test("a Worker that can be told nothing any more keeps no query from being stopped, nor from its end", async () => {
    const { worker } = here((reply, say) => reply.kind === "opened" && say(reply));
    const session = await open(model, { worker });
    const controller = new AbortController();
    const stopped = [0, 1].map((i) => session.run(row(i), { signal: controller.signal }));
    const waiting = session.run(row(2));
    worker.postMessage = worker.terminate = () => {
      throw new Error("gone (a test)");
    };
    controller.abort();
    for (const one of stopped) await expect(one).rejects.toMatchObject({ code: "aborted" });
    await expect(session.run(row(3))).rejects.toMatchObject({ code: "bad-input", message: "run: could not be sent (gone (a test))" });
    expect(session.pending).toBe(1);
    expect(() => session.dispose()).toThrow("gone (a test)");
    await expect(waiting).rejects.toMatchObject({ code: "disposed" });
    expect(await session.closed).toBeNull();
  });

  test("that its Worker died is said so, and before it answered, that it could not be started", async () => {
    const { worker } = here();
    const session = await open(model, { worker });
    worker.dispatchEvent(new Event("close"));
    await expect(session.run(row(0))).rejects.toMatchObject({ message: "worker: died (it ended); create another session" });
    const unread = here(() => {}).worker;
    const cancelled: unknown[] = [];
    const endless = (): ReadableStream =>
      new ReadableStream({ pull: () => new Promise(() => {}), cancel: (reason) => void cancelled.push(reason) });
    const reading = open(endless(), { worker: unread });
    await nextTurn();
    unread.dispatchEvent(new Event("close"));
    await expect(reading).rejects.toThrow(/^worker: could not be started \(it ended\)/);
    expect(cancelled).toEqual([expect.objectContaining({ code: "worker" })]);
    const controller = new AbortController();
    const stopped = open(endless(), { worker: here(() => {}).worker, signal: controller.signal });
    await nextTurn();
    controller.abort("enough");
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
    expect(cancelled[1]).toBe("enough");
    const silent = here(() => {}).worker;
    const opening = open(model, { worker: silent });
    await nextTurn();
    silent.dispatchEvent(new Event("close"));
    await expect(opening).rejects.toThrow(/^worker: could not be started \(it ended\)/);
  });
});

describe("refuses", () => {
  test("a load that cannot be sent, and a Worker that is none", async () => {
    const load = { stretch: 1, pressure: () => 0 } as WorkerSessionOptions["load"];
    await expect(open(path, { load })).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringMatching(/^load\.pressure: got/),
    });
    (await open(path, { load: { stretch: undefined } } as WorkerSessionOptions)).dispose(); // as a session takes it
    for (const worker of [5, () => undefined, { postMessage() {} }, { postMessage() {}, terminate() {} }, new MessageChannel().port1])
      await expect(open(path, { worker: worker as unknown as Worker })).rejects.toMatchObject({ code: "worker" });
  });

  test("options nobody knows, and times that are none", async () => {
    for (const onProgress of [5, {}, 0])
      await expect(open(path, { onProgress: onProgress as never })).rejects.toMatchObject({ code: "bad-option" });
    await expect(open(path, { latencyprofile: 5 } as object)).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringMatching(/^createWorkerSession: got latencyprofile, expected signal, .*latencyProfile/),
    });
    await expect(open(path, { clock: { now: () => 1 } } as object)).rejects.toMatchObject({ code: "bad-option" });
    await expect(createWorkerSession(path, null as unknown as object)).rejects.toMatchObject({ code: "bad-option" });
    const session = await open();
    for (const options of [{ prio: 1 }, null, 5])
      await expect(session.run(row(0), {}, options as object)).rejects.toMatchObject({ code: "bad-option" });
    for (const times of [{ waitedMs: -1 }, { waitedMs: Number.NaN }, { reservedMs: -1 }])
      await expect(session.run(row(0), { latencyMs: 1000 }, times)).rejects.toMatchObject({
        code: "bad-slo",
        message: `waitedMs, reservedMs: got ${times.waitedMs ?? 0}, ${times.reservedMs ?? 0}, expected milliseconds from 0`,
      });
    expect((await session.run(row(0), {}, { transfer: undefined } as object)).output.data.length).toBe(10);
  });

  test("a signal that nobody could hear, and leaves nothing behind", async () => {
    let started = 0;
    const worker = (): never => {
      started++;
      throw new Error("not wanted");
    };
    for (const odd of [{ aborted: false }, 5n, Symbol("signal"), ""]) {
      const signal = odd as unknown as AbortSignal;
      await expect(createWorkerSession(path, { worker, signal })).rejects.toMatchObject({ code: "bad-option" });
    }
    expect(started).toBe(0);
    const session = await open();
    await expect(session.run(row(0), { signal: { aborted: false } as AbortSignal })).rejects.toMatchObject({ code: "bad-slo" });
    expect(session.pending).toBe(0);
  });

  test("what is no input, also where its buffers were to be handed over", async () => {
    const session = await open();
    await expect(session.run(null as unknown as number[], undefined, { transfer: true })).rejects.toMatchObject({ code: "bad-input" });
    const given = row(0);
    await session.run(given, undefined, { transfer: true });
    await expect(session.run(given, undefined, { transfer: true })).rejects.toThrow("could not be sent");
    await expect(session.measureLatency(5 as unknown as [])).rejects.toMatchObject({ code: "bad-input" });
  });
});

describe("an AbortSignal", () => {
  test("stops waiting for a Worker that is not there yet, and ends it when it comes", async () => {
    const controller = new AbortController();
    let arrive: (worker: WorkerLike) => void = () => {};
    const worker = (): Promise<WorkerLike> =>
      new Promise((resolve) => {
        arrive = resolve;
        controller.abort();
      });
    await expect(createWorkerSession(path, { worker, signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    const ended = new Promise<void>((resolve) => {
      arrive({ postMessage: () => {}, on: () => {}, terminate: resolve });
    });
    await ended;
  });

  test("leaves no rejection behind where the Worker comes after it and cannot be ended", async () => {
    const unheard: unknown[] = [];
    const hear = (reason: unknown): number => unheard.push(reason);
    process.on("unhandledRejection", hear);
    const terminate = (): never => {
      throw new Error("gone (a test)");
    };
    const controller = new AbortController();
    const worker = async (): Promise<WorkerLike> => {
      controller.abort();
      return { postMessage: () => {}, on: () => {}, terminate };
    };
    await expect(createWorkerSession(path, { worker, signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    for (let i = 0; i < 3; i++) await nextTurn();
    process.off("unhandledRejection", hear);
    expect(unheard).toEqual([]);
  });

  test("that has fired ends a Worker that was handed in, as do options that are none", async () => {
    for (const [options, code] of [
      [{ signal: AbortSignal.abort() }, "aborted"],
      [{ load: { stretch: "2" as never } }, "bad-option"],
      [{ workers: 1 } as object, "bad-option"],
    ] as const) {
      const worker = new Worker(program);
      const exit = once(worker, "exit");
      await expect(createWorkerSession(path, { worker, ...options })).rejects.toMatchObject({ code });
      await exit;
    }
  });

  test("that has fired keeps a query, or a session, from starting", async () => {
    const signal = AbortSignal.abort("enough");
    await expect(createWorkerSession(path, { worker: program, signal })).rejects.toMatchObject({ code: "aborted" });
    const session = await open();
    await expect(session.run(row(0), { signal })).rejects.toMatchObject({ code: "aborted" });
    expect(session.pending).toBe(0);
  });

  test("is listened to once by a session, however many queries wait, and not behind them", async () => {
    const session = await open();
    const { signal } = new AbortController();
    const all = Array.from({ length: 12 }, (_, i) => session.run(row(i), { signal }));
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await Promise.all(all);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    const controller = new AbortController();
    const stopped = Array.from({ length: 3 }, (_, i) => session.run(row(i), { signal: controller.signal }));
    controller.abort();
    for (const one of stopped) await expect(one).rejects.toMatchObject({ code: "aborted" });
  });

  test("rejects at once, and frees the Worker for the next query", async () => {
    const wide = madeUpModel([20, ...new Array<number>(12).fill(1024), 4], 5);
    const session = await open(wide, { backend: "js" });
    const controller = new AbortController();
    const stopped = session.run(row(0), { dense: true, signal: controller.signal });
    const last = session.run(row(1), { dense: true });
    setTimeout(() => controller.abort(new Error("enough")), 5);
    await expect(stopped).rejects.toMatchObject({ code: "aborted", cause: new Error("enough") });
    expect(session.pending).toBe(1);
    expect((await last).output.data).toEqual((await createSession(wide, { backend: "js" })).run(row(1)).output.data);
  }, 60_000);

  test("ends a Worker that never answers", async () => {
    const signal = AbortSignal.timeout(200);
    const worker = running("require('node:worker_threads').parentPort.on('message', () => {})");
    const exit = once(worker, "exit");
    await expect(createWorkerSession(path, { worker, signal })).rejects.toMatchObject({ code: "aborted" });
    await exit;
  });
});

describe("a session's end", () => {
  test("dispose() rejects what waits and what comes, and ends the Worker", async () => {
    const worker = new Worker(program);
    const exit = once(worker, "exit");
    const session = await open(path, { worker });
    const waiting = session.run(row(0));
    session.dispose();
    session.dispose();
    await expect(waiting).rejects.toMatchObject({ code: "disposed" });
    await expect(session.run(row(0))).rejects.toMatchObject({ code: "disposed" });
    expect(await session.closed).toBeNull();
    await exit;
  });

  test("a Worker that dies rejects what waits, says so, and refuses what comes", async () => {
    const worker = new Worker(program);
    const session = await open(madeUpModel([20, ...new Array<number>(12).fill(1024), 4], 5), { worker, backend: "js" });
    const waiting = session.run(row(0));
    void worker.terminate();
    await expect(waiting).rejects.toMatchObject({ code: "worker", message: expect.stringContaining("exit code 1") });
    expect(await session.closed).toMatchObject({ code: "worker" });
    await expect(session.run(row(0))).rejects.toMatchObject({ code: "worker" });
  });

  test("a Worker that throws is over", async () => {
    const worker = running(
      `import(${JSON.stringify(program.href)}).then(() =>
        require("node:worker_threads").parentPort.on("message", ({ kind }) => { if (kind === "load") throw new Error("broken"); }))`,
    );
    const session = await open(path, { worker });
    session.load().catch(() => {}); // answered or not
    expect(await session.closed).toMatchObject({ code: "worker", message: expect.stringContaining("died (broken)") });
  });

  test.each<[string, NonNullable<WorkerSessionOptions["worker"]>, RegExp]>([
    ["a program that is not there", pathToFileURL(join(folder, "nowhere.js")), /could not be started \(.*nowhere/],
    ["a program that throws", () => running("throw new Error('broken')"), /could not be started \(broken\)/],
    ["a program that ends", () => running("process.exit(0)"), /exit code 0/],
    [
      "a function that throws",
      () => {
        throw new Error("no more Workers");
      },
      /no more Workers/,
    ],
    [
      "a program that answers something else",
      () =>
        running(
          "require('node:worker_threads').parentPort.on('message', ({ id }) => require('node:worker_threads').parentPort.postMessage({ kind: 'hello', id }))",
        ),
      /answers something else/,
    ],
  ])("a Worker cannot start: %s", async (_, worker, message) => {
    await expect(createWorkerSession(path, { worker })).rejects.toMatchObject({ code: "worker", message: expect.stringMatching(message) });
  });

  test("a Worker that has ended, or has a session, is refused instead of waited for or shared", async () => {
    const worker = new Worker(program);
    const session = await open(path, { worker });
    const refused = expect.objectContaining({ code: "worker", message: expect.stringContaining("a second model") });
    await expect(open(madeUpModel([20, 3], 2), { worker })).rejects.toEqual(refused);
    await expect(session.closed).resolves.toMatchObject({ code: "worker" });
    for (const ended of [worker, () => worker])
      await expect(open(path, { worker: ended })).rejects.toMatchObject({ code: "worker", message: expect.stringContaining("has ended") });
  });

  test("slonn/worker-thread outside a Worker throws", async () => {
    await expect(import("../../src/worker-thread.ts")).rejects.toMatchObject({ code: "worker" });
  });
});

function shared(bytes: Uint8Array): Uint8Array {
  const view = new Uint8Array(new SharedArrayBuffer(bytes.length));
  view.set(bytes);
  return view;
}
