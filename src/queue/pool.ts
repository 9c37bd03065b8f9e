// The lanes of a queue: how they are made, what happens when they die, and which one is free. Requests and time are unknown here.
//
// A lane that dies after it was asked something is made again immediately. One that dies before that counts as one that could not be made: it is
// tried again when a lane is next asked for, and, as long as others live, less and less often with every failure, so that a lane that cannot
// live is not made over and over.

import { messageOf, refusal, SlonnError } from "../errors.ts";
import type { Slo } from "../policy/slo.ts";
import { show } from "../quoted.ts";
import type { QueryInput } from "../session/input-parts.ts";
import type { Output } from "../session/output.ts";
import type { Report } from "../session/report.ts";

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
  run(input: QueryInput, slo?: Slo, options?: { waitedMs?: number | undefined; reservedMs?: number | undefined }): Promise<Answered>;
  /** Settles once it can answer no more. */
  readonly closed: Promise<unknown>;
  /** As `WorkerSession.dispose`. */
  dispose(): void;
}

/** Whatever answers one request at a time. */
export type Lane = LocalLane | RemoteLane;

/** A lane, or a function that makes one: a lane the queue has made itself is made again when it dies. */
export type LaneSource = Lane | (() => Lane | Promise<Lane>);

/** A lane that is alive, as far as is known. */
export interface Living {
  readonly lane: Lane;
  isBusy: boolean;
  wasAsked: boolean;
  /** Whether it has answered a request with a deadline: the first may include measuring latencies, so its time tells nothing of others. */
  isWarm: boolean;
}

export interface Pool {
  /** Whether there is no lane and none to come. */
  isDead(): boolean;
  /** A lane that can be asked now, preferably one outside of this thread, since a query in this thread blocks all else. */
  free(): Living | undefined;
  /** Makes the lanes that are missing and can be made. */
  open(): void;
  /** Disposes the lanes made here, and makes no more. */
  close(): void;
}

/** Is told of changes. */
export interface PoolListener {
  /** There is one more lane. */
  opened(): void;
  /** There is no lane, and none to come. */
  died(error: SlonnError): void;
}

/** A place for one lane at a time. */
interface Slot {
  make: (() => Lane | Promise<Lane>) | null;
  living: Living | null;
  isOpening: boolean;
  /** How often in a row it could not be made, and how often somebody has asked for a lane since. */
  failures: number;
  asked: number;
}

/** Whether a lane was asked for often enough to try this one again beside others that live: twice as often after every failure, 1,024 times at most. */
const isDue = ({ failures, asked }: Slot): boolean => asked >= 2 ** Math.min(failures - 1, 10);

/** @throws SlonnError `bad-option` without lanes, or for what is no lane */
export function createPool(lanes: LaneSource | readonly LaneSource[], { opened, died }: PoolListener): Pool {
  const sources = Array.isArray(lanes) ? (lanes as readonly LaneSource[]) : [lanes as LaneSource];
  if (sources.length === 0) throw refusal("bad-option", "lanes", "none", "at least one");
  const slots = sources.map((source): Slot => {
    const isMade = typeof source === "function";
    return { make: isMade ? source : null, living: isMade ? null : livingOf(checked(source)), isOpening: false, failures: 0, asked: 0 };
  });
  let isClosed = false;

  const isDead = (): boolean => slots.every(({ living, isOpening }) => living === null && !isOpening);
  const failed = (slot: Slot, cause: unknown): void => {
    slot.failures++;
    slot.asked = 0;
    if (!isDead()) return;
    died(cause instanceof SlonnError ? cause : new SlonnError("worker", `queue: no lane could be made (${messageOf(cause)})`, { cause }));
  };
  const watch = (slot: Slot): void => {
    const { living } = slot;
    if (!living || !("closed" in living.lane)) return;
    const end = (cause: unknown): void => {
      slot.living = null;
      if (slot.make && living.wasAsked) {
        slot.failures = 0;
        open(slot);
      } else failed(slot, cause instanceof SlonnError ? cause : noLane());
    };
    living.lane.closed.then(end, end);
  };
  const open = (slot: Slot): void => {
    if (isClosed || slot.make === null || slot.isOpening || slot.living) return;
    slot.isOpening = true;
    Promise.resolve()
      .then(slot.make)
      .then((lane) => checked(lane, "a function of "))
      .then((lane) => {
        slot.isOpening = false;
        if (isClosed) return lane.dispose();
        slot.living = livingOf(lane);
        watch(slot);
        opened();
      })
      .catch((cause) => {
        slot.isOpening = false;
        failed(slot, cause);
      });
  };

  for (const slot of slots) {
    watch(slot);
    open(slot);
  }
  return {
    isDead,
    free() {
      let here: Living | undefined;
      for (const { living } of slots) {
        if (!living || living.isBusy) continue;
        if ("closed" in living.lane) return living;
        here ??= living;
      }
      return here;
    },
    open() {
      const isUrgent = isDead();
      for (const slot of slots) {
        slot.asked++;
        if (isUrgent || isDue(slot)) open(slot);
      }
    },
    close() {
      isClosed = true;
      const failures: unknown[] = [];
      for (const { make, living } of slots)
        try {
          if (make) living?.lane.dispose();
        } catch (error) {
          failures.push(error);
        }
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** The error of requests that no lane can answer. */
export const noLane = (): SlonnError => refusal("worker", "queue", "no lane that is alive", "one");

const livingOf = (lane: Lane): Living => ({ lane, isBusy: false, wasAsked: false, isWarm: false });

/** Checks that it is a lane. @param whence what the message says before it */
function checked(lane: Lane, whence = ""): Lane {
  const { run, dispose, closed } = (lane ?? {}) as Partial<RemoteLane>;
  const isSession = typeof run === "function" && typeof dispose === "function";
  if (isSession && (!("closed" in lane) || typeof closed?.then === "function")) return lane;
  throw refusal("bad-option", "lanes", `${whence}${show(lane)}`, "a session (awaited), or a function that makes one");
}
