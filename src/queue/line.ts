// Requests in a line, earliest deadline first, and how much time each may take so that those behind it are still in time. Data and arithmetic
// only: time is handed in, and nothing runs here.
//
// Under overload, earliest deadline first wastes work on requests that are late anyway. So a request that is certain to miss its deadline leaves
// the line: it is refused where it asked for that, otherwise it is put behind all that can still be in time. Every eighth turn goes to those, so
// that they are answered eventually.
//
// The least time a query takes is learned only from queries that had to hurry: one with time to spare does not show how soon it could have been
// done. And a request that is alone takes no time from others, so it is never refused on the strength of a learned time.

/** What orders a request in the line. */
export interface Terms {
  /** Milliseconds from arrival; Infinity without a deadline. */
  latencyMs: number;
  /** Whether to be refused, rather than answered late, once the deadline is certain to be missed. */
  isRefusable: boolean;
  /** Each step up halves the time that counts for the request's place in the line. */
  priority: number;
}

export interface Entry<T> {
  readonly item: T;
  readonly arrivedMs: number;
  readonly deadlineMs: number;
  readonly isRefusable: boolean;
  /** Orders the line: the deadline, moved forward by priority. No request waits forever, as it becomes the earliest in time. */
  readonly dueMs: number;
  /** The order of arrival, among those due at the same time. */
  readonly turn: number;
  /** False once taken, refused or given up. */
  isWaiting: boolean;
}

export interface Turn<T> {
  entry: Entry<T>;
  waitedMs: number;
  /** Milliseconds of its time left to those behind. */
  reservedMs: number;
  /** Milliseconds it has for itself; Infinity without a deadline, below 0 when it is already late. */
  givenMs: number;
}

export interface Line<T> {
  readonly size: number;
  /** Null where a miss is certain and the request asked to be refused then. Never throws; whether there is room is for the caller to check. */
  push(item: T, nowMs: number, terms: Terms): Entry<T> | null;
  /** Takes out the next one; null when none waits. Those refused on the way are handed to `refuse`. */
  next(nowMs: number, refuse: (entry: Entry<T>) => void): Turn<T> | null;
  /** Refuses those that asked for it and whose deadlines have passed; returns the next such deadline, Infinity without one. */
  expire(nowMs: number, refuse: (entry: Entry<T>) => void): number;
  /**
   * Makes room for a request that was just pushed: takes out the one that is latest, or the new one where none is late; none where refusing
   * those that asked for it made enough room.
   */
  makeRoom(newcomer: Entry<T>, nowMs: number, refuse: (entry: Entry<T>) => void): Entry<T> | null;
  /** Takes out one that was given up. */
  remove(entry: Entry<T>): void;
  /** Takes out all. */
  clear(): Entry<T>[];
  /** Notes how long an answered one took, and how long its turn gave it. */
  served(tookMs: number, givenMs: number): void;
}

export interface LineOptions {
  /** How many are served at a time. */
  lanes: number;
  /** Milliseconds that stand for a deadline in the order of the line where there is none. */
  patienceMs: number;
}

/** One turn of this many goes to those that are late. */
const lateEvery = 8;
/** How many requests of the line are looked at when time is shared out. */
const looked = 32;
/** After this many hurried queries the quickest of them counts as the least time: a single one may have met a stall. */
const enoughHurried = 4;

export function createLine<T>({ lanes, patienceMs }: LineOptions): Line<T> {
  /** A heap: none is due before the one at (i − 1) / 2. */
  let heap: Entry<T>[] = [];
  /** Those put behind all others; the first `lateTaken` are gone already, as removing each from the front would move all the rest. */
  let late: Entry<T>[] = [];
  let lateTaken = 0;
  let size = 0;
  /** No request in the line has a later deadline. */
  let latestMs = 0;
  let arrivals = 0;
  let turns = 0;
  /** The least time a query takes: less than that is not enough, where others wait. */
  let leastMs = 0;
  /** The quickest hurried query since `leastMs` was last set, and how many there were. */
  let quickestMs = Number.POSITIVE_INFINITY;
  let hurried = 0;

  const isBefore = (a: Entry<T>, b: Entry<T>): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.turn < b.turn);
  const leave = (entry: Entry<T>): Entry<T> => {
    entry.isWaiting = false;
    size--;
    return entry;
  };
  const up = (entry: Entry<T>): void => {
    let at = heap.push(entry) - 1;
    for (let above = (at - 1) >> 1; at > 0 && isBefore(entry, heap[above]); above = (at - 1) >> 1) {
      heap[at] = heap[above];
      at = above;
    }
    heap[at] = entry;
  };
  const pop = (): Entry<T> | undefined => {
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && isBefore(heap[below + 1], heap[below])) below++;
      if (isBefore(last, heap[below])) break;
      heap[at] = heap[below];
      at = below;
    }
    heap[at] = last;
    return first;
  };
  /** Time for one query so that all that are looked at, one after another, are in time. */
  const shareMs = (nowMs: number): number => {
    let least = Number.POSITIVE_INFINITY;
    let before = 0;
    const look = ({ isWaiting, deadlineMs }: Entry<T>): void => {
      // no time is saved for those that have left, or are late whatever happens
      if (!isWaiting || !(deadlineMs - nowMs > leastMs)) return;
      before++;
      least = Math.min(least, (deadlineMs - nowMs) / (Math.floor(before / lanes) + 1));
    };
    const end = Math.min(looked, heap.length);
    for (let i = 0; i < end; i++) look(heap[i]);
    if (heap.length > end) {
      before = Math.min(heap.length, size - 1) - 1;
      look(heap[heap.length - 1]);
    }
    return least;
  };
  const turnOf = (entry: Entry<T>, nowMs: number): Turn<T> => {
    // setting the clock back makes no deadline longer
    const atMs = Math.max(nowMs, entry.arrivedMs);
    const leftMs = entry.deadlineMs - atMs;
    const reservedMs = leftMs < Number.POSITIVE_INFINITY ? Math.max(0, leftMs - shareMs(atMs)) : 0;
    return { entry: leave(entry), waitedMs: atMs - entry.arrivedMs, reservedMs, givenMs: leftMs - reservedMs };
  };
  /** Removes those that left without a turn, but only once they are most of the line; until then they are skipped when they come up. */
  const tidy = (): void => {
    if (heap.length <= 2 * size + 64) return;
    const kept = heap.filter(({ isWaiting }) => isWaiting);
    heap = [];
    for (const one of kept) up(one);
    late = late.filter(({ isWaiting }) => isWaiting);
    lateTaken = 0;
  };
  const nextLate = (): Entry<T> | undefined => {
    while (late.length > 0) {
      const entry = late[lateTaken++];
      if (2 * lateTaken >= late.length) {
        late.splice(0, lateTaken);
        lateTaken = 0;
      }
      if (entry.isWaiting) return entry;
    }
    return undefined;
  };
  /** Until the first in line can still be in time: those that asked for it are handed to `refuse`, others put behind. */
  const putBehind = (nowMs: number, refuse: (entry: Entry<T>) => void): void => {
    for (let entry = heap[0]; entry; entry = heap[0]) {
      if (entry.isWaiting && entry.deadlineMs - nowMs >= (size > 1 ? leastMs : 0)) return;
      pop();
      if (!entry.isWaiting) continue;
      if (entry.isRefusable) refuse(leave(entry));
      else late.push(entry);
    }
  };

  return {
    get size() {
      return size;
    },
    push(item, nowMs, { latencyMs, isRefusable, priority }) {
      const dueMs = nowMs + (latencyMs < Number.POSITIVE_INFINITY ? latencyMs : patienceMs) / 2 ** priority;
      const entry: Entry<T> = {
        item,
        arrivedMs: nowMs,
        deadlineMs: nowMs + latencyMs,
        isRefusable,
        dueMs,
        turn: arrivals++,
        isWaiting: true,
      };
      if (isRefusable && size > 0) {
        const isTooMany = (ahead: number): boolean => latencyMs < leastMs * (Math.floor(ahead / lanes) + 1);
        // those ahead are out of its way once they are late, so counting pays only where one of them may be late last, and all are too many
        let [ahead, lastMs] = [0, nowMs];
        if (latencyMs <= latestMs - nowMs && isTooMany(size))
          for (const { isWaiting, dueMs: due, deadlineMs } of heap)
            if (isWaiting && due <= dueMs) {
              ahead++;
              lastMs = Math.max(lastMs, deadlineMs);
            }
        if (latencyMs < leastMs || (isTooMany(ahead) && latencyMs <= lastMs - nowMs)) return null;
      }
      latestMs = size > 0 ? Math.max(latestMs, entry.deadlineMs) : entry.deadlineMs;
      up(entry);
      size++;
      return entry;
    },
    next(nowMs, refuse) {
      turns++;
      if (turns % lateEvery === 0) {
        const entry = nextLate();
        if (entry) return turnOf(entry, nowMs);
      }
      putBehind(nowMs, refuse);
      const entry = pop() ?? nextLate();
      return entry ? turnOf(entry, nowMs) : null;
    },
    expire(nowMs, refuse) {
      let nextMs = Number.POSITIVE_INFINITY;
      for (const entry of heap) {
        if (!entry.isWaiting || !entry.isRefusable) continue;
        if (entry.deadlineMs <= nowMs) refuse(leave(entry));
        else nextMs = Math.min(nextMs, entry.deadlineMs);
      }
      tidy();
      return nextMs;
    },
    makeRoom(newcomer, nowMs, refuse) {
      const before = size;
      putBehind(nowMs, refuse);
      if (size < before) return null;
      const entry = leave(nextLate() ?? newcomer);
      tidy();
      return entry;
    },
    remove(entry) {
      if (!entry.isWaiting) return;
      leave(entry);
      tidy();
    },
    clear() {
      const all = [...heap, ...late].filter(({ isWaiting }) => isWaiting);
      heap = [];
      late = [];
      lateTaken = 0;
      return all.map(leave);
    },
    served(tookMs, givenMs) {
      // by a coarse clock a query takes 0 or a whole step; then 0 is the least
      if (!(tookMs >= 0)) return;
      quickestMs = Math.min(quickestMs, tookMs);
      if (tookMs > givenMs) hurried++;
      if (tookMs >= leastMs && hurried < enoughHurried) return;
      leastMs = quickestMs;
      quickestMs = Number.POSITIVE_INFINITY;
      hurried = 0;
    },
  };
}
