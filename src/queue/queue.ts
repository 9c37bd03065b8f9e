/**
 * The door `slonn/queue`: requests, each with its own objective, wait in one line for a session, or for several behind Workers. Waiting counts
 * against a request's deadline, and each leaves enough time to those behind it. So effort falls during a burst and rises again after it.
 * @module
 */

import { createAbortListener } from "../abort-listener.ts";
import { type Clock, systemClock } from "../clock.ts";
import { aborted, checkSignal, messageOf, refusal, SlonnError } from "../errors.ts";
import { copyOfView } from "../model/tensor.ts";
import { nextTurn } from "../next-turn.ts";
import { checkNames } from "../option-names.ts";
import { checkSlo, type Slo } from "../policy/slo.ts";
import { checkFunction, show } from "../quoted.ts";
import { changedParts, type QueryInput } from "../session/input-parts.ts";
import { createAlarm } from "./alarm.ts";
import { createLine, type Entry, type Line } from "./line.ts";
import { type Answered, createPool, type LaneSource, type Living, noLane } from "./pool.ts";

export type { Answered, Lane, LaneSource, LocalLane, RemoteLane } from "./pool.ts";

/** How long the line may get, and who is first in it. */
export interface QueueOptions {
  /** How many requests may wait at once; 1,000 unless given. */
  most?: number | undefined;
  /** A request without a deadline is placed in the line as if it had one of this many milliseconds; 1,000 unless given. */
  patienceMs?: number | undefined;
  /** Measures waiting; the runtime's monotonic clock unless given. */
  clock?: Clock | undefined;
  /** Yields to the event loop between queries in this thread; the runtime's quickest way unless given. */
  turn?: (() => Promise<void>) | undefined;
}

/** How a request is placed in the line. */
export interface RequestOptions {
  /**
   * From −30 to 30; 0 unless given. The line is ordered by deadline: each step up halves the time that counts for this request's place, each
   * step down doubles it.
   */
  priority?: number | undefined;
}

/** One line in front of one or more sessions. */
export interface Queue {
  /** How many requests wait, without those being answered. */
  readonly waiting: number;
  /**
   * Answers one request when its turn comes.
   * @param slo its deadline counts from this call; `late: "refuse"` refuses as soon as a miss is certain; its `signal` takes the request out
   * of the line, or stops it where a Worker runs it
   * @throws (rejects) SlonnError `bad-option`, `overloaded` when the line is full, `deadline`, `aborted`, `disposed`, `worker` when the Worker died with it, and what
   * a session's `run` throws
   */
  run(input: QueryInput, slo?: Slo, options?: RequestOptions): Promise<Answered>;
  /** Rejects all waiting requests with `disposed`, and disposes the lanes that the queue has made itself. */
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
  /** Stops the Worker lane that is answering it; does nothing before that. */
  stop(): void;
}

/** Queries in this thread run for this long without yielding, in milliseconds. */
const sliceMs = 2;

const optionNames: Record<keyof QueueOptions, true> = { most: true, patienceMs: true, clock: true, turn: true };
const requestNames: Record<keyof RequestOptions, true> = { priority: true };

/**
 * Creates a queue: requests wait in one line, earliest deadline first, and are answered by the sessions handed in.
 * @param lanes a session, a worker session, a function that makes one, or a list of those; those the queue made are disposed when it is closed
 * @throws SlonnError `bad-option` without lanes, for what is not a lane, for an invalid limit, or for an unknown option
 */
export function createQueue(lanes: LaneSource | readonly LaneSource[], options: QueueOptions = {}): Queue {
  checkNames("createQueue", options, optionNames);
  const { most = 1000, patienceMs = 1000, clock = systemClock, turn = nextTurn } = options;
  if (!(Number.isInteger(most) && most >= 1)) throw refusal("bad-option", "most", show(most), "a whole number from 1");
  if (!(typeof patienceMs === "number" && patienceMs > 0 && patienceMs < Number.POSITIVE_INFINITY))
    throw refusal("bad-option", "patienceMs", show(patienceMs), "a finite time above 0");
  checkFunction("clock.now", clock?.now);
  checkFunction("turn", turn);
  const line: Line<Request> = createLine({ lanes: Array.isArray(lanes) ? lanes.length : 1, patienceMs });
  const onAbort = createAbortListener();
  let isClosed = false;
  let isDraining = false;

  const refuseLate = ({ item, arrivedMs }: Entry<Request>): void => {
    item.forget();
    try {
      const waited = Math.max(0, clock.now() - arrivedMs);
      item.reject(refusal("deadline", "deadline", `${waited.toPrecision(3)} ms of waiting`, `an answer within ${item.slo?.latencyMs}`));
    } catch (error) {
      item.reject(error); // what the caller's clock throws
    }
  };
  const alarm = createAlarm(clock, () => line.expire(clock.now(), refuseLate));
  const clearIfEmpty = (): void => {
    if (line.size === 0) alarm.clear();
  };
  const failAll = (error: unknown): void => {
    alarm.clear();
    for (const { item } of line.clear()) {
      item.forget();
      item.reject(error);
    }
  };
  const pool = createPool(lanes, { opened: () => void drain(), died: failAll });

  const answer = (living: Living): void => {
    const next = line.next(clock.now(), refuseLate);
    if (next === null) return;
    const { reservedMs, givenMs, entry } = next;
    const { input, slo, resolve, reject, forget } = entry.item;
    const { lane } = living;
    try {
      // refusing others on the way took time as well
      const now = clock.now();
      const waitedMs = Math.max(0, now - entry.arrivedMs);
      const settle = (answered: Answered): void => {
        const doneMs = clock.now();
        // the lane does not know how much time has passed since it last read a clock
        if (doneMs > entry.deadlineMs) answered.report.met = false;
        resolve(answered);
        if (living.isWarm) line.served(doneMs - now, givenMs);
        living.isWarm ||= slo?.latencyMs !== undefined;
      };
      living.wasAsked = true;
      if ("closed" in lane) {
        living.isBusy = true;
        const told = slo?.signal ? { ...slo, signal: stoppedWith(entry.item, slo.signal) } : slo;
        // in a promise, whatever the lane throws or returns
        new Promise<Answered>((take) => take(lane.run(input, told, { waitedMs, reservedMs })))
          .then(settle)
          .catch(reject)
          .then(() => {
            forget();
            living.isBusy = false;
            void drain();
          });
        return;
      }
      forget();
      settle(lane.run(input, slo, waitedMs, reservedMs));
    } catch (error) {
      forget();
      reject(error);
    }
  };
  const takeTurn = async (): Promise<void> => {
    try {
      await turn();
    } catch (cause) {
      throw new SlonnError("bad-option", `turn: got a rejection (${messageOf(cause)}), expected a turn of the event loop`, { cause });
    }
  };
  /** Hands waiting requests to free lanes; a lane in this thread goes on, a slice at a time. */
  const drain = async (): Promise<void> => {
    if (isDraining) return;
    isDraining = true;
    // requests of the same turn are ordered before the first of them runs
    await null;
    try {
      let since = clock.now();
      for (let living = pool.free(); living && line.size > 0; living = pool.free()) {
        answer(living);
        if ("closed" in living.lane) continue;
        // an answer is delivered before the next query runs
        await null;
        if (!(clock.now() - since >= sliceMs)) continue;
        await takeTurn();
        since = clock.now();
      }
    } catch (error) {
      failAll(error); // thrown by the caller's `turn` or clock
    } finally {
      isDraining = false;
      clearIfEmpty();
    }
  };

  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    failAll(refusal("disposed", "queue", "a request before close()", "it to be answered by then"));
    pool.close();
  };

  return {
    get waiting() {
      return line.size;
    },
    // a promise of its own instead of an async function's: answers settle in the order they are made
    run: (input, slo, options = {}) =>
      new Promise<Answered>((resolve, reject) => {
        const nowMs = clock.now();
        checkNames("run", options, requestNames);
        const { priority = 0 } = options;
        if (isClosed) throw refusal("disposed", "queue", "a request after close()", "an open queue");
        const asked = slo === undefined ? undefined : checkSlo(slo);
        const { latencyMs = Number.POSITIVE_INFINITY, late, signal } = asked ?? {};
        checkSignal(signal, "bad-slo");
        if (!(typeof priority === "number" && Math.abs(priority) <= 30))
          throw refusal("bad-option", "priority", show(priority), "a number from -30 to 30");
        pool.open();
        if (pool.isDead()) throw noLane();
        const request: Request = { input, slo: asked, resolve, reject, forget() {}, stop() {} };
        const entry = line.push(request, nowMs, { latencyMs, isRefusable: late === "refuse", priority });
        if (entry === null) throw refusal("deadline", "deadline", `${line.size} requests waiting`, `an answer within ${latencyMs} ms`);
        const dropped = line.size > most ? line.makeRoom(entry, nowMs, refuseLate) : null;
        dropped?.item.forget();
        dropped?.item.reject(overloaded(most));
        if (!entry.isWaiting) return;
        try {
          request.input = changedParts(input, copyOf);
          // its turn may not come before its deadline
          if (entry.isRefusable) alarm.set(entry.deadlineMs);
        } catch (error) {
          // it is given up already, so it takes no place
          line.remove(entry);
          throw error;
        }
        request.forget = onAbort(signal, () => {
          line.remove(entry);
          clearIfEmpty();
          request.stop();
          reject(aborted(signal));
        });
        void drain();
      }),
    close,
    [Symbol.dispose]: close,
  };
}

/** A signal of the request's own for its lane: a signal that many requests share is listened to by the queue only, not by every lane. */
function stoppedWith(request: Request, asked: AbortSignal): AbortSignal {
  const controller = new AbortController();
  request.stop = () => controller.abort(asked.reason);
  return controller.signal;
}

/** A copy of the input, which its caller may overwrite while it waits; what is no input is left for the lane to refuse. */
function copyOf(part: unknown): unknown {
  if (Array.isArray(part)) return part.slice();
  // an empty array may have been transferred before, and then cannot be copied
  return ArrayBuffer.isView(part) && part.byteLength > 0 && !(part instanceof DataView) ? copyOfView(part) : part;
}

const overloaded = (most: number): SlonnError =>
  refusal("overloaded", "queue", `one request more than the ${most} that may wait`, "fewer at once");
