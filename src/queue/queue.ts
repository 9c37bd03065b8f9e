// The door `slonn/queue`: requests with objectives of their own wait in one line for a session, or for several behind Workers. The time a
// request has waited counts against its deadline, and what others behind it need is left to them: so effort falls while a burst is on,
// and rises again when it is over.

import { type Clock, systemClock } from "../clock.ts";
import { aborted, SlonnError, throwIfAborted } from "../errors.ts";
import { show } from "../model/quoted.ts";
import { checkSlo, type Slo } from "../policy/slo.ts";
import type { QueryInput } from "../session/input.ts";
import type { Output } from "../session/output.ts";
import type { Report } from "../session/report.ts";
import { createLine, type Entry, type Line } from "./line.ts";

/** What a request resolves with, as a session's `run` returns it. */
export interface Answered {
  output: Output;
  report: Report;
}

/** A session in this thread; `createSession` makes one. */
export interface LocalLane {
  /** As `Session.run`. */
  run(input: QueryInput, slo?: Slo, waitedMs?: number, reservedMs?: number): Answered;
  /** As `Session.dispose`. */
  dispose(): void;
}

/** A session somewhere else; `createWorkerSession` makes one. */
export interface RemoteLane {
  /** As `WorkerSession.run`. */
  run(input: QueryInput, slo?: Slo, options?: { waitedMs?: number; reservedMs?: number }): Promise<Answered>;
  /** Settles when it can answer no more. */
  readonly closed: Promise<unknown>;
  /** As `WorkerSession.dispose`. */
  dispose(): void;
}

/** Whatever answers one request at a time. */
export type Lane = LocalLane | RemoteLane;

/** A lane, or how to make one: then it is made again when it dies. */
export type LaneSource = Lane | (() => Lane | Promise<Lane>);

/** How long the line may get, and who goes first. */
export interface QueueOptions {
  /** Requests that may wait at once; 1,000 unless given. */
  most?: number;
  /** What orders a request without a deadline among those with one: as if it had this many milliseconds. 1,000 unless given. */
  patienceMs?: number;
  clock?: Clock;
  /** Lets the event loop have its turn between queries in this thread; the runtime's quickest way unless given. */
  turn?: () => Promise<void>;
}

/** What a request asks of the line. */
export interface RequestOptions {
  /** Each step up halves the time that this request is given in the order of the line, each step down doubles it; 0 unless given. */
  priority?: number;
}

/** One line before one or more sessions. */
export interface Queue {
  /** Requests that wait; those being answered are not among them. */
  readonly waiting: number;
  /**
   * Answers one request when its turn has come.
   * @param slo its deadline counts from this call; `late: "refuse"` refuses as soon as a miss is certain; its `signal` takes the request out
   * of the line, or stops it where a Worker runs it
   * @throws (rejects) SlonnError `overloaded` when the line is full, `deadline`, `aborted`, `disposed`, `worker` when the Worker died with it, and what
   * a session's `run` throws
   */
  run(input: QueryInput, slo?: Slo, options?: RequestOptions): Promise<Answered>;
  /** Rejects everybody who waits with `disposed`, and disposes the lanes that the queue has made itself. */
  close(): void;
  /** As `close`. */
  [Symbol.dispose](): void;
}

interface Request {
  input: QueryInput;
  slo: Slo | undefined;
  resolve(answered: Answered): void;
  reject(error: unknown): void;
  /** Stops listening to the signal. */
  forget(): void;
}

/** A place at which one request at a time is answered. */
interface Slot {
  make: (() => Lane | Promise<Lane>) | null;
  lane: Lane | null;
  isBusy: boolean;
  isOpening: boolean;
  /** Whether its lane has answered a request with a deadline: the first one may have been measured on, and says nothing of others. */
  isWarm: boolean;
}

/** Queries in this thread run for so long in one go. */
const sliceMs = 2;

/** The lane, where it is one. @param whence what is said before it in the message */
function checked(lane: Lane, whence = ""): Lane {
  if (typeof lane?.run === "function") return lane;
  throw new SlonnError("bad-option", `lanes: got ${whence}${show(lane)}, expected a session (awaited), or a function that makes one`);
}

/** @throws SlonnError `bad-option` without lanes, for what is no lane, or for a limit that is none */
export function createQueue(lanes: LaneSource | readonly LaneSource[], options: QueueOptions = {}): Queue {
  const { most = 1000, patienceMs = 1000, clock = systemClock, turn = nextTurn } = options;
  const sources = Array.isArray(lanes) ? (lanes as readonly LaneSource[]) : [lanes as LaneSource];
  if (sources.length === 0) throw new SlonnError("bad-option", "lanes: got none, expected at least one");
  if (!(Number.isInteger(most) && most >= 1)) throw new SlonnError("bad-option", `most: got ${most}, expected a whole number from 1`);
  if (!(patienceMs > 0 && patienceMs < Number.POSITIVE_INFINITY))
    throw new SlonnError("bad-option", `patienceMs: got ${patienceMs}, expected a finite time above 0`);
  const slots = sources.map((source): Slot => {
    const isMade = typeof source === "function";
    return { make: isMade ? source : null, lane: isMade ? null : checked(source), isBusy: false, isOpening: false, isWarm: false };
  });
  const line: Line<Request> = createLine({ lanes: slots.length, patienceMs });
  let isClosed = false;
  let isDraining = false;

  const refuseLate = ({ item, arrivedMs, deadlineMs }: Entry<Request>): void => {
    item.forget();
    const waited = Math.max(0, clock.now() - arrivedMs);
    item.reject(
      new SlonnError(
        "deadline",
        `deadline: got ${waited.toPrecision(3)} ms of waiting, expected an answer within ${deadlineMs - arrivedMs}`,
      ),
    );
  };
  const failAll = (error: SlonnError): void => {
    for (const { item } of line.clear()) {
      item.forget();
      item.reject(error);
    }
  };
  const watch = (slot: Slot): void => {
    const { lane } = slot;
    if (lane && "closed" in lane)
      void lane.closed.then(() => {
        if (slot.lane !== lane) return;
        slot.lane = null;
        slot.isWarm = false;
        open(slot);
      });
  };
  const isDead = (): boolean => slots.every(({ lane, isOpening }) => lane === null && !isOpening);
  /** Makes a slot's lane where it can be made. With no lane left and none to come, nobody needs to wait. */
  const open = (slot: Slot): void => {
    if (isClosed || slot.isOpening || slot.lane) return;
    if (slot.make === null) {
      if (isDead()) failAll(noLane());
      return;
    }
    slot.isOpening = true;
    Promise.resolve()
      .then(slot.make)
      .then((lane) => checked(lane, "a function of "))
      .then(
        (lane) => {
          slot.isOpening = false;
          if (isClosed) return lane.dispose();
          slot.lane = lane;
          watch(slot);
          void drain();
        },
        (cause) => {
          slot.isOpening = false;
          if (isDead())
            failAll(cause instanceof SlonnError ? cause : new SlonnError("worker", `queue: no lane could be made (${cause})`, { cause }));
        },
      );
  };

  const answer = (slot: Slot, lane: Lane): boolean => {
    const now = clock.now();
    const next = line.next(now, refuseLate);
    if (next === null) return false;
    const { waitedMs, reservedMs, givenMs, entry } = next;
    const { input, slo, resolve, reject, forget } = entry.item;
    const learn = (): void => {
      if (slot.isWarm) line.served(clock.now() - now, givenMs);
      slot.isWarm ||= slo?.latencyMs !== undefined;
    };
    if ("closed" in lane) {
      slot.isBusy = true;
      lane
        .run(input, slo, { waitedMs, reservedMs })
        .then((answered) => {
          learn();
          resolve(answered);
        }, reject)
        .then(() => {
          forget();
          slot.isBusy = false;
          void drain();
        });
      return true;
    }
    forget();
    try {
      resolve(lane.run(input, slo, waitedMs, reservedMs));
      learn();
    } catch (error) {
      reject(error);
    }
    return true;
  };
  /** Gives everybody who waits to lanes that are free; a lane in this thread keeps at it, a slice at a time. */
  const drain = async (): Promise<void> => {
    if (isDraining) return;
    isDraining = true;
    // those who come in the same turn are put in order before the first of them runs
    await null;
    try {
      let since = clock.now();
      for (let slot = freeSlot(); slot?.lane && line.size > 0; slot = freeSlot()) {
        if (!answer(slot, slot.lane)) break;
        if ("closed" in slot.lane || !(clock.now() - since >= sliceMs)) continue;
        await turn();
        since = clock.now();
      }
    } catch (cause) {
      failAll(new SlonnError("bad-option", `turn: got a rejection (${cause}), expected a turn of the event loop`, { cause }));
    } finally {
      isDraining = false;
    }
  };
  const freeSlot = (): Slot | undefined => slots.find(({ lane, isBusy }) => lane !== null && !isBusy);

  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    failAll(new SlonnError("disposed", "queue: got a request before close(), expected it to be answered by then"));
    for (const { make, lane } of slots) if (make) lane?.dispose();
  };

  for (const slot of slots) {
    watch(slot);
    open(slot);
  }
  return {
    get waiting() {
      return line.size;
    },
    // a promise of its own, not an async function's around it: answers are settled in the order they are made
    run: (input, slo, { priority = 0 } = {}) =>
      new Promise<Answered>((resolve, reject) => {
        if (isClosed) throw new SlonnError("disposed", "queue: got a request after close(), expected an open queue");
        const asked = slo === undefined ? undefined : checkSlo(slo);
        const { latencyMs = Number.POSITIVE_INFINITY, late, signal } = asked ?? {};
        throwIfAborted(signal);
        if (!(Math.abs(priority) <= 30)) throw new SlonnError("bad-option", `priority: got ${priority}, expected a number from -30 to 30`);
        if (line.size >= most) {
          const dropped = line.dropLate();
          if (dropped === null) throw overloaded(most);
          dropped.item.forget();
          dropped.item.reject(overloaded(most));
        }
        for (const slot of slots) open(slot);
        if (isDead()) throw noLane();
        const request: Request = { input: copied(input), slo: asked, resolve, reject, forget() {} };
        const entry = line.push(request, clock.now(), { latencyMs, isRefusable: late === "refuse", priority });
        if (entry === null)
          throw new SlonnError("deadline", `deadline: got ${line.size} requests waiting, expected an answer within ${latencyMs} ms`);
        if (signal) {
          const stop = (): void => {
            line.remove(entry);
            reject(aborted(signal));
          };
          signal.addEventListener("abort", stop, { once: true });
          request.forget = () => signal.removeEventListener("abort", stop);
        }
        void drain();
      }),
    close,
    [Symbol.dispose]: close,
  };
}

/** What a caller may write over while it waits; what is no input is left to the lane to refuse. */
function copied(input: QueryInput): QueryInput {
  if (typeof input !== "object" || input === null) return input;
  if (Array.isArray(input)) return input.slice();
  if (ArrayBuffer.isView(input)) return copyOf(input);
  if ("indices" in input) return { indices: copyOf(input.indices), values: copyOf(input.values) };
  return "data" in input ? { ...input, data: copyOf(input.data) } : input;
}

const copyOf = <Values>(values: Values): Values => (values as { slice?(): Values } | undefined)?.slice?.() ?? values;

const overloaded = (most: number): SlonnError =>
  new SlonnError("overloaded", `queue: got one request more than the ${most} that may wait, expected fewer at once`);

const noLane = (): SlonnError => new SlonnError("worker", "queue: got no lane that is alive, expected one");

/** A turn of the event loop, without the wait that timers have. */
function nextTurn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (then: () => void) => unknown };
  if (setImmediate) return new Promise((resolve) => void setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
