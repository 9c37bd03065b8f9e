// Who is next: requests in a line, the earliest deadline first, and how much time each may take so that those behind it are still in time.
// Data and arithmetic; time is handed in, nothing runs here.
//
// Deadlines alone order badly when there is more to do than can be done: work goes to those that are late anyway. So a request that
// surely misses leaves the line: refused where it asked for that, else put behind all that can still make it (every eighth turn goes to those,
// so that they are answered some day).
//
// What a query takes at least is only believed of those that had to hurry: how long one took that had time says nothing of how soon it could
// have been done. And whoever is alone in the line takes no time from anybody, so nobody is refused then for a time that was learned.

/** What the line goes by. */
export interface Terms {
  /** Milliseconds from arrival; infinite without a deadline. */
  latencyMs: number;
  /** Whether to be refused when the deadline is sure to be missed, rather than answered late. */
  isRefusable: boolean;
  /** Each step up halves the time that a request is given in the order of the line. */
  priority: number;
}

export interface Entry<T> {
  readonly item: T;
  readonly arrivedMs: number;
  readonly deadlineMs: number;
  readonly isRefusable: boolean;
  /** What orders the line: the deadline, made sooner by priority; no request waits forever, since time makes it the earliest. */
  readonly dueMs: number;
  /** Who came before whom, among those due at the same time. */
  readonly turn: number;
  /** False once it was taken, refused or given up. */
  isWaiting: boolean;
}

export interface Turn<T> {
  entry: Entry<T>;
  waitedMs: number;
  /** Milliseconds before its deadline that are left to those behind. */
  reservedMs: number;
  /** Milliseconds that it has for itself; infinite without a deadline, below 0 when it is late already. */
  givenMs: number;
}

export interface Line<T> {
  readonly size: number;
  /** Null where a miss is certain and the request would rather be refused. Throws nothing; whether there is room is the caller's business. */
  push(item: T, nowMs: number, terms: Terms): Entry<T> | null;
  /** Takes the next one out; null when nobody waits. Those refused on the way are handed to `refuse`. */
  next(nowMs: number, refuse: (entry: Entry<T>) => void): Turn<T> | null;
  /** Takes out those who would rather be refused, and whose deadlines have passed; returns the next such deadline, infinite without one. */
  expire(nowMs: number, refuse: (entry: Entry<T>) => void): number;
  /**
   * Makes room for a newcomer that was just pushed: takes out the one that is longest late, or the newcomer where nobody is; nobody where
   * it was enough to hand those to `refuse` who would rather be refused.
   */
  makeRoom(newcomer: Entry<T>, nowMs: number, refuse: (entry: Entry<T>) => void): Entry<T> | null;
  /** Takes one out that has been given up. */
  remove(entry: Entry<T>): void;
  /** Everybody out. */
  clear(): Entry<T>[];
  /** Hears how long one took that was answered, and how long it was given by its turn. */
  served(tookMs: number, givenMs: number): void;
}

export interface LineOptions {
  /** How many are served at once. */
  lanes: number;
  /** What stands for a deadline in the order of the line where there is none. */
  patienceMs: number;
}

/** Turns of which one goes to those that are late. */
const lateEvery = 8;
/** How many requests of the line are looked at when time is shared out. */
const looked = 32;
/** Hurried queries after which the quickest of them is taken to be as quick as can be: one alone may have met a stall. */
const enoughHurried = 4;

export function createLine<T>({ lanes, patienceMs }: LineOptions): Line<T> {
  /** A heap: none comes before the one at (i − 1) / 2. */
  let heap: Entry<T>[] = [];
  /** Whoever was put behind all others, but for the first `lateTaken`: taking each off the front would move all that are left. */
  let late: Entry<T>[] = [];
  let lateTaken = 0;
  let size = 0;
  let arrivals = 0;
  let turns = 0;
  /** The least that a query takes: what is less than that is not enough, where others wait. */
  let leastMs = 0;
  /** The quickest since `leastMs` was last set, and how many had to hurry meanwhile. */
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
  /** Time for one query so that everybody who is looked at, each behind those before, is in time. */
  const shareMs = (nowMs: number): number => {
    let least = Number.POSITIVE_INFINITY;
    let before = 0;
    const look = ({ isWaiting, deadlineMs }: Entry<T>): void => {
      // nobody saves time for those who have left, or are late whatever happens
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
    // a clock that was set back makes no deadline longer
    const atMs = Math.max(nowMs, entry.arrivedMs);
    const leftMs = entry.deadlineMs - atMs;
    const reservedMs = leftMs < Number.POSITIVE_INFINITY ? Math.max(0, leftMs - shareMs(atMs)) : 0;
    return { entry: leave(entry), waitedMs: atMs - entry.arrivedMs, reservedMs, givenMs: leftMs - reservedMs };
  };
  /** What left without its turn stays where it is until it comes up, unless that would be most of the line. */
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
  /** Until the first in line can still make it: those who would rather be refused are handed to `refuse`, others put behind. */
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
        // counting is worth it only where everybody would be too many; and those ahead are out of its way once they are late
        let [ahead, lastMs] = [0, nowMs];
        if (isTooMany(size))
          for (const { isWaiting, dueMs: due, deadlineMs } of heap)
            if (isWaiting && due <= dueMs) {
              ahead++;
              lastMs = Math.max(lastMs, deadlineMs);
            }
        if (latencyMs < leastMs || (isTooMany(ahead) && latencyMs <= lastMs - nowMs)) return null;
      }
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
      // to a coarse clock a query takes nothing or a step; then nothing is the least
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
