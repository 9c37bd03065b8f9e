/// <reference lib="esnext.disposable" preserve="true" />
// A session behind a Worker, seen from the outside: queries become messages, answers become promises. The thread that calls does
// nothing but pass bytes on.

import { createAbortListener } from "../abort-listener.ts";
import { systemClock } from "../clock.ts";
import { aborted, checkSignal, messageOf, refusal, SlonnError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { checkNames } from "../option-names.ts";
import type { LoadEstimate, LoadOptions } from "../policy/load.ts";
import { checkSlo, checkTimes, type Slo } from "../policy/slo.ts";
import type { LatencyProfile } from "../profile/latency.ts";
import { checkFunction, show } from "../quoted.ts";
import type { QueryInput } from "../session/input-parts.ts";
import { createCandidates, createOutput, type Output } from "../session/output.ts";
import type { Report } from "../session/report.ts";
import type { Session, SessionOptions } from "../session/session.ts";
import type { ReadOptions, Source } from "./read-source.ts";
import { sendableInput, sendableSource } from "./sendable.ts";
import { cannotStart, listen, startWorker, type WorkerLike, type WorkerSource } from "./start-worker.ts";
import { errorOf, type Question, type Reply } from "./worker-messages.ts";

/** How to start the Worker, how to read the model, and how its session runs. */
export interface WorkerSessionOptions extends ReadOptions, Omit<SessionOptions, "clock" | "load"> {
  /** As for a session, but numbers only, and as they are when the Worker starts: what is read later cannot be sent. */
  load?: Omit<LoadOptions, "pressure"> | undefined;
  /** The Worker, how to make one, or the URL of its program, which imports `slonn/worker-thread`; this package's own unless given. It ends with the session, or when no session can be created. */
  worker?: WorkerSource | undefined;
  /** Whether to transfer the model's bytes to the Worker in place of a copy, unless they are a part of a buffer: the caller's buffer is empty afterwards. */
  transfer?: boolean | undefined;
}

/** How a query goes to its Worker. */
export interface RunOptions {
  /** Whether to transfer the input's buffers in place of copies, but for those of which it shows a part: the caller's are empty afterwards. */
  transfer?: boolean | undefined;
  /** Milliseconds of the deadline that had passed before the call; 0 unless given. */
  waitedMs?: number | undefined;
  /** Milliseconds before the deadline that are to be left to others; 0 unless given. */
  reservedMs?: number | undefined;
}

/** A session in a Worker of its own. */
export interface WorkerSession extends Pick<Session, "backend" | "backendReason" | "levels" | "memoryBytes"> {
  /**
   * Answers one query; those that come meanwhile wait in line.
   * @param slo its deadline counts from this call; its `signal` takes the query out of the line, or stops it before its next layer
   * @throws (rejects) SlonnError `bad-option`, `bad-input`, `bad-slo`, `deadline`, `aborted`, `disposed`, and `worker` when the Worker died
   */
  run(input: QueryInput, slo?: Slo, options?: RunOptions): Promise<{ output: Output; report: Report }>;
  /**
   * As `Session.measureLatency`: measures the latency of every level in about half a second. Queries that come meanwhile wait.
   * @throws (rejects) SlonnError `bad-input`, `disposed`, and `worker` when the Worker died
   */
  measureLatency(inputs?: readonly QueryInput[]): Promise<LatencyProfile>;
  /**
   * How slow the session there takes the machine to be. The Worker answers as soon as it hears the question: behind a query that runs in one go, but ahead
   * of those that wait behind one with a signal.
   * @throws (rejects) SlonnError `disposed`, and `worker` when the Worker died
   */
  load(): Promise<LoadEstimate>;
  /** Calls of `run`, `measureLatency` and `load` without an answer yet. */
  readonly pending: number;
  /** Settles when the session is over: null when it was disposed, else the error every query gets from then on. */
  readonly closed: Promise<SlonnError | null>;
  /** Ends the Worker, which frees its memory; until then it keeps a program of Node running. Queries without an answer are rejected with `disposed`. */
  dispose(): void;
  /** As `dispose`, for `using`. */
  [Symbol.dispose](): void;
}

const optionNames: Record<keyof WorkerSessionOptions, true> = {
  signal: true,
  onProgress: true,
  worker: true,
  transfer: true,
  load: true,
  latencyProfile: true,
  machine: true,
  backend: true,
  module: true,
};
const runNames: Record<keyof RunOptions, true> = { transfer: true, waitedMs: true, reservedMs: true };

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: unknown): void;
  onProgress?: ReadOptions["onProgress"];
}

/**
 * Starts a Worker, loads a model there and creates a session of it. A program that never answers is waited for until `signal` fires.
 * @param source as for `loadModel`, or a model; read in the Worker, except streams and responses, which are read here
 * @throws (rejects) SlonnError `bad-option`, `worker` when no Worker could be started, `aborted`, and what `loadModel` and `createSession` throw; what `onProgress` throws
 */
export async function createWorkerSession(source: Source | Model, options: WorkerSessionOptions = {}): Promise<WorkerSession> {
  try {
    checkOptions(options);
  } catch (error) {
    // one that is there already would keep a program running
    (options?.worker as Partial<WorkerLike> | null | undefined)?.terminate?.();
    throw error;
  }
  const { signal, onProgress, worker: workerSource, transfer: isTransferred = false, ...sessionOptions } = options;
  // first, so that it starts while a stream is read, and ends with whatever fails from here on
  const line = await startedUnless(signal, startWorker(workerSource, openLine));
  const stop = (): void => line.close(aborted(signal));
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  // a stream is read no further for a Worker that has ended, however it did
  const reading = new AbortController();
  void line.closed.then((error) => reading.abort(signal?.reason ?? error));
  try {
    const sendable = await sendableSource(source, isTransferred, { onProgress, signal: reading.signal });
    const question = { kind: "open", source: sendable.value, options: sessionOptions, progress: onProgress != null } as const;
    const reply = await line.ask(question, sendable.transfer, onProgress).reply;
    if (reply.kind !== "opened") throw cannotStart("its program answers something else");
    return createHandle(line, reply);
  } catch (error) {
    line.close(null);
    throw (await line.closed) ?? error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** @throws SlonnError `bad-option`, or `aborted` where the signal has fired */
function checkOptions(options: WorkerSessionOptions): void {
  checkNames("createWorkerSession", options, optionNames);
  const { signal, onProgress, load } = options;
  checkSignal(signal, "bad-option");
  if (onProgress != null) checkFunction("onProgress", onProgress);
  for (const [key, value] of Object.entries(load ?? {}))
    if (value !== undefined && typeof value !== "number") throw refusal("bad-option", `load.${key}`, show(value), "a number to send");
}

/** The line to the Worker, unless the signal fires first; one that comes later is closed, which ends its Worker. */
async function startedUnless(signal: AbortSignal | undefined, starting: Promise<Line>): Promise<Line> {
  let stop = (): void => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(aborted(signal));
  });
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  try {
    return await Promise.race([starting, stopped]);
  } catch (error) {
    starting.then((line) => line.close(null)).catch(() => {});
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

function createHandle(line: Line, { opened, outputs, missing }: Reply & { kind: "opened" }): WorkerSession {
  line.isOpen = true;
  const onAbort = createAbortListener();
  const dispose = (): void => line.close(null);
  return {
    ...opened,
    get pending() {
      return line.waiting.size;
    },
    closed: line.closed,
    async run(input, slo, options = {}) {
      const askedMs = systemClock.now();
      checkNames("run", options, runNames);
      const { transfer = false, waitedMs = 0, reservedMs = 0 } = options;
      // the session would be told the sum of this and what is waited there
      checkTimes(waitedMs, reservedMs);
      const { signal, ...asked } = slo === undefined ? ({} as Slo) : checkSlo(slo);
      checkSignal(signal, "bad-slo");
      const objective = slo === undefined ? undefined : asked;
      const sent = sendableInput(input, transfer);
      const question = {
        kind: "run",
        input: sent.value,
        slo: objective,
        stoppable: signal !== undefined,
        askedMs,
        waitedMs,
        reservedMs,
      } as const;
      const { id, reply } = line.ask(question, sent.transfer);
      const forget = onAbort(signal, () => line.stop(id, aborted(signal)));
      try {
        const { indices, scores, report } = await replyAs("answer", reply);
        // the session there knows nothing of the way back
        if (waitedMs + systemClock.now() - askedMs > (asked.latencyMs ?? Number.POSITIVE_INFINITY)) report.met = false;
        return { output: indices ? createCandidates(indices, scores, outputs, missing) : createOutput(scores), report };
      } finally {
        forget();
      }
    },
    async measureLatency(inputs) {
      const askedMs = systemClock.now();
      const sent = Array.isArray(inputs) ? inputs.map((input) => sendableInput(input, false)) : undefined;
      const question = { kind: "measure", inputs: sent?.map(({ value }) => value) ?? inputs, askedMs } as const;
      const transfer = sent?.flatMap((one) => one.transfer) ?? [];
      return (await replyAs("measured", line.ask(question, transfer).reply)).profile;
    },
    load: async () => (await replyAs("load", line.ask({ kind: "load" }, []).reply)).load,
    dispose,
    [Symbol.dispose]: dispose,
  };
}

async function replyAs<Kind extends Reply["kind"]>(kind: Kind, reply: Promise<Reply>): Promise<Extract<Reply, { kind: Kind }>> {
  const got = await reply;
  if (got.kind !== kind) throw refusal("worker", "worker", `${got.kind} as an answer`, kind);
  return got as Extract<Reply, { kind: Kind }>;
}

type Unnumbered = Question extends infer Q ? (Q extends { id: number } ? Omit<Q, "id"> : never) : never;

/** Questions and answers over one Worker, until it is closed or fails. */
interface Line {
  readonly waiting: Map<number, Waiting>;
  readonly closed: Promise<SlonnError | null>;
  isOpen: boolean;
  ask(question: Unnumbered, transfer: Transferable[], onProgress?: ReadOptions["onProgress"]): { id: number; reply: Promise<Reply> };
  /** Rejects a question at once and tells the Worker not to bother. */
  stop(id: number, error: SlonnError): void;
  close(error: SlonnError | null): void;
}

function openLine(worker: WorkerLike): Line {
  const waiting = new Map<number, Waiting>();
  let over: SlonnError | null = null;
  let nextId = 0;
  let settle: (error: SlonnError | null) => void;
  const closed = new Promise<SlonnError | null>((resolve) => {
    settle = resolve;
  });

  const line: Line = {
    waiting,
    closed,
    isOpen: false,
    ask(question, transfer, onProgress) {
      const id = nextId++;
      const reply = new Promise<Reply>((resolve, reject) => {
        if (over) throw over;
        waiting.set(id, { resolve, reject, onProgress });
        try {
          worker.postMessage({ ...question, id }, transfer);
        } catch (cause) {
          waiting.delete(id);
          throw new SlonnError("bad-input", `${question.kind}: could not be sent (${messageOf(cause)})`, {
            cause,
          });
        }
      });
      return { id, reply };
    },
    stop(id, error) {
      const asked = waiting.get(id);
      if (!asked) return;
      waiting.delete(id);
      asked.reject(error);
      try {
        worker.postMessage({ kind: "stop", id } satisfies Question);
      } catch {
        // an answer that nobody waits for is all that comes of it
      }
    },
    close(error) {
      if (over) return;
      over = error ?? refusal("disposed", "session", "a query after dispose()", "a live one");
      for (const { reject } of waiting.values()) reject(over);
      waiting.clear();
      settle(error);
      worker.terminate();
    },
  };

  listen(worker, {
    message(data) {
      const reply = data as Reply;
      const asked = waiting.get(reply?.id);
      if (!asked) return; // stopped meanwhile, or none of ours
      if (reply.kind === "progress") {
        try {
          asked.onProgress?.(reply.loadedBytes, reply.totalBytes);
        } catch (error) {
          waiting.delete(reply.id);
          asked.reject(error);
        }
        return;
      }
      waiting.delete(reply.id);
      if (reply.kind === "error") asked.reject(errorOf(reply));
      else asked.resolve(reply);
    },
    failure: (why) =>
      line.close(line.isOpen ? new SlonnError("worker", `worker: died (${why}); create another session`) : cannotStart(why)),
  });
  return line;
}
