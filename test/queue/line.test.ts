import { describe, expect, test } from "vitest";
import { createLine, type Entry, type Line, type Terms } from "../../src/queue/line.ts";
import { permutation, seeded } from "../../src/random.ts";

const never = (): never => {
  throw new Error("refused");
};
const terms = (latencyMs: number, rest: Partial<Terms> = {}): Terms => ({ latencyMs, isRefusable: false, priority: 0, ...rest });
const lineOf = (lanes = 1, patienceMs = 1000): Line<string> => createLine<string>({ lanes, patienceMs });
/** Has a line believe that a query takes so long at least: several that had to hurry took it. */
const teach = (line: Line<string>, leastMs: number): void => {
  for (let i = 0; i < 4; i++) line.served(leastMs, leastMs / 2);
};
const order = (line: Line<string>, now: number): string[] => {
  const all: string[] = [];
  for (let turn = line.next(now, never); turn; turn = line.next(now, never)) all.push(turn.entry.item);
  return all;
};

describe("the order", () => {
  test("is that of deadlines, whenever they came", () => {
    const line = lineOf();
    line.push("late", 0, terms(90));
    line.push("soon", 5, terms(10));
    line.push("between", 6, terms(50));
    expect(line.size).toBe(3);
    expect(order(line, 7)).toEqual(["soon", "between", "late"]);
    expect(line.size).toBe(0);
  });

  test("takes a request without a deadline as if it had as much as patience allows", () => {
    const line = lineOf(1, 100);
    line.push("none", 0, terms(Number.POSITIVE_INFINITY));
    line.push("sooner", 0, terms(99));
    line.push("later", 10, terms(91));
    expect(order(line, 10)).toEqual(["sooner", "none", "later"]);
  });

  test("gives way to priority by halves", () => {
    const line = lineOf();
    line.push("plain", 0, terms(100));
    line.push("pressing", 0, terms(150, { priority: 1 }));
    line.push("humble", 0, terms(60, { priority: -1 }));
    expect(order(line, 0)).toEqual(["pressing", "plain", "humble"]);
  });

  test("whatever comes, is taken and is given up meanwhile, the earliest due goes first", () => {
    const line = lineOf(1, 1e9);
    const random = seeded(2);
    const waiting: Entry<string>[] = [];
    const take = (): void => {
      waiting.sort((a, b) => a.dueMs - b.dueMs || a.turn - b.turn);
      expect(line.next(0, never)?.entry).toBe(waiting.shift());
    };
    for (let i = 0; i < 5000; i++) {
      const deed = random();
      const number = Math.floor(200 * random());
      // it grows and shrinks by turns
      if (deed < (i % 500 < 300 ? 0.7 : 0.3)) waiting.push(line.push("", 0, terms(1 + number)) as Entry<string>);
      else if (deed < 0.9) take();
      else for (const gone of waiting.splice(number, 1)) line.remove(gone);
      expect(line.size).toBe(waiting.length);
    }
    while (waiting.length > 0) take();
    expect(line.next(0, never)).toBeNull();
  });
});

test("those who stay keep their order when most others are given up", () => {
  const line = lineOf();
  const latencies = permutation(500, seeded(3));
  const entries = [...latencies].map((latencyMs) => line.push(String(latencyMs), 0, terms(latencyMs)) as Entry<string>);
  entries.filter((_, i) => i % 10 > 0).forEach(line.remove);
  const kept = [...latencies].filter((_, i) => i % 10 === 0).sort((a, b) => a - b);
  expect(order(line, 0)).toEqual(kept.map(String));
});

test("those who are late are answered all the same when most others are given up", () => {
  const line = lineOf();
  const names = ["a", "b", "c", "d", "e"];
  for (const name of names) line.push(name, 0, terms(10));
  const others = Array.from({ length: 300 }, () => line.push("in time", 0, terms(1000)) as Entry<string>);
  for (let turn = 1; turn < 8; turn++) expect(line.next(50, never)?.entry.item).toBe("in time");
  expect(line.next(50, never)?.entry.item).toBe("a");
  for (const other of others) line.remove(other);
  expect(order(line, 50)).toEqual(names.slice(1));
});

describe("time", () => {
  test("waited counts from arrival", () => {
    const line = lineOf();
    line.push("a", 10, terms(100));
    expect(line.next(35, never)).toMatchObject({ waitedMs: 25, reservedMs: 0 });
    line.push("b", 50, terms(100));
    for (let i = 0; i < 9; i++) line.push("behind", 50, terms(100));
    // a clock that ran backwards
    expect(line.next(-1000, never)).toMatchObject({ waitedMs: 0, reservedMs: expect.closeTo(90, 9), givenMs: expect.closeTo(10, 9) });
  });

  test("is left to those behind: each of ten with the same deadline gets a tenth", () => {
    const line = lineOf();
    for (let i = 0; i < 10; i++) line.push(String(i), 0, terms(100));
    expect(line.next(0, never)).toMatchObject({ reservedMs: expect.closeTo(90, 9), givenMs: expect.closeTo(10, 9) });
    expect(line.next(10, never)?.reservedMs).toBeCloseTo(80, 9);
    const two = lineOf(2);
    for (let i = 0; i < 10; i++) two.push(String(i), 0, terms(100));
    expect(two.next(0, never)?.reservedMs).toBeCloseTo(80, 9);
  });

  test("is left to the last of a long line too, and to nobody who has left it", () => {
    const line = lineOf();
    for (let i = 0; i < 50; i++) line.push(String(i), 0, terms(100));
    expect(line.next(0, never)?.givenMs).toBeCloseTo(2, 9);
    const thinned = lineOf();
    const all = Array.from({ length: 100 }, () => thinned.push("", 0, terms(100)) as Entry<string>);
    for (const gone of all.slice(1, 41)) thinned.remove(gone);
    expect(thinned.next(0, never)?.givenMs).toBeCloseTo(100 / 60, 9);
    const behind = lineOf();
    for (let i = 0; i < 60; i++) behind.push("late", 0, terms(10));
    for (let i = 0; i < 50; i++) behind.push("in time", 0, terms(100));
    expect(behind.next(50, never)).toMatchObject({ entry: { item: "in time" }, givenMs: expect.closeTo(1, 9) });
    const left = lineOf();
    left.push("stays", 0, terms(10));
    left.remove(left.push("gone", 0, terms(12)) as Entry<string>);
    expect(left.next(0, never)).toMatchObject({ reservedMs: 0, givenMs: 10 });
  });

  test.each([1, 60])("is left to nobody for %d between them who have left, or are late already", (count) => {
    const line = lineOf();
    line.push("first", 0, terms(100));
    const gone = Array.from({ length: count }, () => line.push("gone", 0, terms(101)) as Entry<string>);
    line.push("last", 0, terms(102));
    for (const entry of gone) line.remove(entry);
    expect(line.next(0, never)).toMatchObject({ entry: { item: "first" }, givenMs: expect.closeTo(51, 9) });
    const other = lineOf();
    for (let i = 0; i < count / 2; i++) other.push("late", 0, terms(10));
    other.push("pressing", 0, terms(104, { priority: 20 }));
    other.push("last", 0, terms(104));
    expect(other.next(50, never)).toMatchObject({ entry: { item: "pressing" }, givenMs: expect.closeTo(27, 9) });
  });

  test("is left by what the tightest of those behind need, whoever else has plenty", () => {
    const line = lineOf();
    for (const latencyMs of [10, 12, 1000]) line.push(String(latencyMs), 100, terms(latencyMs));
    expect(line.next(101, never)).toMatchObject({ reservedMs: expect.closeTo(9 - 5.5, 9), givenMs: expect.closeTo(5.5, 9) });
  });

  test.each([0, 5])("is not left to who could only be in time if nobody went before, where a query takes %d ms", (leastMs) => {
    const line = lineOf();
    if (leastMs > 0) teach(line, leastMs);
    line.push("pressing", 0, terms(100, { priority: 20 }));
    line.push("behind", 0, terms(20));
    expect(line.next(20 - leastMs, never)).toMatchObject({ entry: { item: "pressing" }, reservedMs: 0, givenMs: 80 + leastMs });
  });

  test("is not reserved where there is none left", () => {
    const line = lineOf();
    line.push("late", 0, terms(10));
    line.push("later", 0, terms(11));
    expect(line.next(50, never)).toMatchObject({ entry: { item: "late" }, reservedMs: 0, givenMs: -40 });
  });

  test("is not taken for those who have plenty, nor from those without a deadline", () => {
    const line = lineOf();
    line.push("soon", 0, terms(10));
    line.push("whenever", 0, terms(Number.POSITIVE_INFINITY));
    expect(line.next(0, never)).toMatchObject({ reservedMs: 0 });
    line.push("soon", 0, terms(2000));
    expect(line.next(0, never)).toMatchObject({ entry: { item: "whenever" }, reservedMs: 0 });
  });
});

describe("what surely misses", () => {
  test("is refused where it asked for that, else put behind those who can still make it", () => {
    const line = lineOf();
    const refused: string[] = [];
    line.push("refusable", 0, terms(10, { isRefusable: true }));
    line.push("patient", 0, terms(12));
    line.push("fine", 0, terms(100));
    const names: string[] = [];
    for (let turn = line.next(50, ({ item }) => refused.push(item)); turn; turn = line.next(50, ({ item }) => refused.push(item)))
      names.push(turn.entry.item);
    expect(names).toEqual(["fine", "patient"]);
    expect(refused).toEqual(["refusable"]);
  });

  test("and was given up meanwhile is neither answered nor dropped", () => {
    const line = lineOf();
    const late = line.push("patient", 0, terms(12)) as Entry<string>;
    line.push("fine", 0, terms(100));
    expect(line.next(50, never)?.entry.item).toBe("fine");
    line.remove(late);
    expect([line.next(50, never), line.size]).toEqual([null, 0]);
    const newcomer = line.push("newcomer", 50, terms(10)) as Entry<string>;
    expect(line.makeRoom(newcomer, 50, never)).toBe(newcomer);
    expect(line.size).toBe(0);
  });

  test("counts those ahead, all of them, and nobody who has left", () => {
    const line = lineOf();
    teach(line, 5);
    const asks = (): Entry<string> | null => line.push("asks", 0, terms(14, { isRefusable: true }));
    const behind = [0, 1, 2].map(() => line.push("behind", 0, terms(1000)) as Entry<string>);
    const ahead = [0, 1, 2].map(() => line.push("ahead", 0, terms(14)) as Entry<string>);
    for (const one of [...ahead.slice(1), ...behind.slice(1)]) line.remove(one);
    for (let i = 0; i < 2; i++) line.push("behind", 0, terms(1000));
    const entry = asks(); // 10 of 14
    expect(entry).not.toBeNull();
    line.remove(entry as Entry<string>);
    line.push("ahead", 0, terms(14));
    expect(asks()).toBeNull(); // 15 of 14
  });

  test("counts those ahead once for all lanes", () => {
    const line = lineOf(2);
    teach(line, 5);
    for (let i = 0; i < 3; i++) line.push("ahead", 0, terms(10));
    expect(line.push("asks", 0, terms(10, { isRefusable: true }))).not.toBeNull(); // behind one of its lane: 10 of 10
    expect(line.push("asks", 0, terms(10, { isRefusable: true }))).toBeNull(); // behind two: 15 of 10
  });

  test("is less time left than the quickest query took that had to hurry, where others wait", () => {
    const line = lineOf();
    teach(line, 5);
    line.push("a", 0, terms(100, { isRefusable: true }));
    line.push("b", 0, terms(200, { isRefusable: true }));
    const refused: string[] = [];
    expect(line.next(96, ({ item }) => refused.push(item))?.entry.item).toBe("b");
    expect(refused).toEqual(["a"]);
    line.push("c", 0, terms(100));
    expect(line.push("too short", 0, terms(4.9, { isRefusable: true }))).toBeNull();
    expect(line.push("just enough", 0, terms(5, { isRefusable: true }))).not.toBeNull();
    expect(line.next(0, never)?.entry.item).toBe("just enough");
  });

  test("is only what is late already, where nobody else waits: whoever runs the query knows better", () => {
    const line = lineOf();
    teach(line, 5);
    expect(line.push("short", 0, terms(4, { isRefusable: true }))).not.toBeNull();
    expect(line.next(3, never)).toMatchObject({ entry: { item: "short" }, givenMs: 1 });
    line.push("late", 0, terms(4, { isRefusable: true }));
    const refused: string[] = [];
    expect(line.next(4.1, ({ item }) => refused.push(item))).toBeNull();
    expect(refused).toEqual(["late"]);
  });

  test("is not learned from times that are none", () => {
    const line = lineOf();
    for (const odd of [Number.NaN, -5]) for (let i = 0; i < 5; i++) line.served(odd, odd);
    line.push("a", 0, terms(3));
    line.push("b", 0, terms(4));
    expect(line.push("c", 0, terms(5, { isRefusable: true }))).not.toBeNull();
    expect(order(line, 1)).toEqual(["a", "b", "c"]);
    teach(line, 5);
    for (const odd of [Number.NaN, -5]) line.served(odd, odd);
    line.push("a", 0, terms(100));
    expect(line.push("short", 0, terms(4, { isRefusable: true }))).toBeNull();
  });

  test("is nothing that queries with time enough tell, nor a single one that was slow", () => {
    const line = lineOf();
    const isLet = (): boolean => {
      const entry = line.push("short", 0, terms(4, { isRefusable: true }));
      if (entry) line.remove(entry);
      return entry !== null;
    };
    line.push("somebody", 0, terms(100));
    for (let i = 0; i < 20; i++) line.served(30, i % 2 ? 50 : Number.POSITIVE_INFINITY);
    expect(isLet()).toBe(true);
    for (let i = 0; i < 3; i++) line.served(30, 20);
    expect(isLet()).toBe(true);
    line.served(30, -5);
    expect(isLet()).toBe(false);
    line.served(3, 100); // one that was quicker is believed at once
    expect(isLet()).toBe(true);
    line.served(30, 20);
    expect(isLet()).toBe(true);
    teach(line, 6); // the machine has become slower
    expect(isLet()).toBe(false);
  });

  test("is known on arrival when those ahead need too long", () => {
    const line = lineOf();
    teach(line, 1);
    for (let i = 0; i < 20; i++) line.push(String(i), 0, terms(30));
    expect(line.push("behind twenty", 0, terms(19, { isRefusable: true }))).not.toBeNull(); // its deadline is the first
    expect(line.push("behind twenty-one", 0, terms(31, { isRefusable: true }))).not.toBeNull();
    for (let i = 0; i < 20; i++) line.push(String(i), 0, terms(30));
    expect(line.push("behind more", 0, terms(31, { isRefusable: true }))).toBeNull();
    expect(line.push("behind more, but it can wait", 0, terms(31))).not.toBeNull();
  });

  test("is not blamed on those ahead who will be late themselves, and so out of the way", () => {
    const line = lineOf();
    teach(line, 1);
    for (let i = 0; i < 100; i++) line.push(String(i), 1000, terms(5));
    expect(line.push("after them", 1000, terms(20, { isRefusable: true }))).not.toBeNull();
    expect(line.push("with them", 1000, terms(5, { isRefusable: true }))).toBeNull();
  });

  test("is looked for among those ahead only where one of them may be late last: a burst takes no longer the longer it is", () => {
    const line = lineOf();
    teach(line, 1);
    let looks = 0;
    for (let i = 0; i < 2000; i++) {
      const entry = line.push(`${i}`, i / 100, terms(15, { isRefusable: true }));
      const { deadlineMs } = entry!;
      const look = (): number => {
        looks++;
        return deadlineMs;
      };
      Object.defineProperty(entry, "deadlineMs", { get: look });
    }
    expect(line.size).toBe(2000);
    expect(looks).toBeLessThanOrEqual(2000);
  });

  test("is not known to a clock of coarse steps", () => {
    const line = lineOf();
    for (const tookMs of [1, 0, 1, 1, 1]) line.served(tookMs, 0.5);
    for (let i = 0; i < 60; i++) expect(line.push(String(i), 0, terms(20, { isRefusable: true }))).not.toBeNull();
    expect(line.push("short", 0, terms(0.9, { isRefusable: true, priority: 10 }))).not.toBeNull();
    // a time of nothing is as quick as can be, however often a step is seen after it
    line.served(0, 10);
    for (let i = 0; i < 4; i++) line.served(1, 0.5);
    expect(line.push("short", 0, terms(0.9, { isRefusable: true, priority: 10 }))).not.toBeNull();
  });

  test("takes no time from those before it", () => {
    const line = lineOf();
    teach(line, 1);
    line.push("hopeless", 0, terms(0.5));
    line.push("pressing", 0, terms(100, { priority: 20 }));
    expect(line.next(0, never)).toMatchObject({ entry: { item: "pressing" }, reservedMs: 0 });
  });

  test("can be refused without a turn, once its deadline has passed", () => {
    const line = lineOf();
    line.push("a", 0, terms(30, { isRefusable: true }));
    line.push("patient", 0, terms(10));
    line.push("b", 0, terms(20, { isRefusable: true }));
    const gone = line.push("gone", 0, terms(5, { isRefusable: true })) as Entry<string>;
    line.remove(gone);
    const refused: string[] = [];
    const expire = (now: number): number => line.expire(now, ({ item }) => refused.push(item));
    expect([expire(19), expire(20), expire(25), expire(31)]).toEqual([20, 30, 30, Number.POSITIVE_INFINITY]);
    expect(refused).toEqual(["b", "a"]);
    expect(order(line, 31)).toEqual(["patient"]);
  });

  test("gets a turn in eight even while others keep coming", () => {
    const line = lineOf();
    for (let i = 0; i < 5; i++) line.push(`late ${i}`, 0, terms(1));
    const served: string[] = [];
    for (let now = 100; now < 200; now++) {
      line.push(`new ${now}`, now, terms(50));
      served.push(line.next(now, never)?.entry.item ?? "");
    }
    const late = [0, 1, 2, 3, 4].map((i) => served.indexOf(`late ${i}`));
    expect(late).toEqual([7, 15, 23, 31, 39]);
  });

  test("makes room: the one that is longest late goes, whether anybody had a turn since or not, else the newcomer", () => {
    for (const hasTurns of [true, false]) {
      const line = lineOf();
      line.push("a", 0, terms(1));
      line.push("b", 0, terms(1.5));
      line.push("c", 0, terms(100));
      if (hasTurns) expect(line.next(50, never)?.entry.item).toBe("c");
      const size = line.size;
      const gone = ["x", "y", "z"].map((name) => {
        const newcomer = line.push(name, 50, terms(60)) as Entry<string>;
        return line.makeRoom(newcomer, 50, never);
      });
      expect(gone.map((entry) => [entry?.item, entry?.isWaiting])).toEqual(["a", "b", "z"].map((name) => [name, false]));
      expect(line.size).toBe(size);
      expect(order(line, 50)).toEqual(hasTurns ? ["x", "y"] : ["c", "x", "y"]);
    }
  });

  test("makes room by being refused, where it asked for that", () => {
    const line = lineOf();
    line.push("patient", 0, terms(1));
    for (const name of ["a", "b"]) line.push(name, 0, terms(2, { isRefusable: true }));
    line.push("fine", 0, terms(100));
    const refused: string[] = [];
    const newcomer = line.push("newcomer", 50, terms(60)) as Entry<string>;
    expect(line.makeRoom(newcomer, 50, ({ item }) => refused.push(item))).toBeNull();
    expect(refused).toEqual(["a", "b"]);
    expect(order(line, 50)).toEqual(["fine", "newcomer", "patient"]);
  });

  test("keeps its order behind all others, however many there are", () => {
    const line = lineOf();
    for (let i = 0; i < 1000; i++) line.push(String(i), 0, terms(10 + i / 1000));
    const served: string[] = [];
    for (let now = 100; now < 1100; now++) {
      line.push("new", now, terms(50));
      served.push(line.next(now, never)?.entry.item ?? "", line.next(now, never)?.entry.item ?? "");
    }
    const all = Array.from({ length: 1000 }, (_, i) => String(i));
    expect(served.filter((name) => name !== "new")).toEqual(all);
  });
});

test("nobody waits forever, whatever keeps coming", () => {
  const line = lineOf(1, 100);
  line.push("humble", 0, terms(Number.POSITIVE_INFINITY, { priority: -3 }));
  let served = "";
  let now = 0;
  while (served !== "humble" && now < 5000) {
    line.push("pushy", now, terms(20, { priority: 5 }));
    line.push("pushy", now, terms(20, { priority: 5 }));
    served = line.next(now++, never)?.entry.item ?? "";
  }
  expect(now).toBeLessThan(1000);
});

test("a hundred thousand requests come and go", () => {
  const line = lineOf(1, 1e9);
  const random = seeded(1);
  for (let i = 0; i < 100_000; i++) line.push(String(i), 0, terms(1e6 * random()));
  let last = 0;
  for (let i = 0; i < 100_000; i++) {
    const due = line.next(0, never)?.entry.dueMs ?? -1;
    if (due < last) throw new Error(`got ${due} after ${last}`);
    last = due;
  }
  expect(line.next(0, never)).toBeNull();
});

test("what was given up takes no room for long, and is not looked for at every turn", () => {
  const line = lineOf();
  let looks = 0;
  for (let i = 0; i < 20_000; i++) {
    const entry = line.push(String(i), 0, terms(1000)) as Entry<string>;
    let { isWaiting } = entry;
    const counted = {
      get: () => {
        looks++;
        return isWaiting;
      },
      set: (now: boolean) => {
        isWaiting = now;
      },
    };
    Object.defineProperty(entry, "isWaiting", counted);
    line.remove(entry);
    line.remove(entry);
  }
  expect(looks).toBeLessThan(100_000);
  looks = 0;
  line.expire(0, never);
  expect(looks).toBeLessThan(100);
  expect(line.size).toBe(0);
  expect(line.clear()).toEqual([]);
});

test("clearing gives everybody back who still waits", () => {
  const line = lineOf();
  line.push("a", 0, terms(1));
  line.push("b", 0, terms(2));
  const gone = line.push("c", 0, terms(3)) as Entry<string>;
  line.remove(gone);
  line.next(10, never);
  expect(line.clear().map(({ item }) => item)).toEqual(["b"]);
  expect(line.size).toBe(0);
});

test("who comes late after clearing is answered, however many were taken from among the late before", () => {
  const line = lineOf();
  for (let i = 0; i < 4; i++) line.push(String(i), 0, terms(1));
  expect(line.next(10, never)?.entry.item).toBe("0");
  expect(line.clear()).toHaveLength(3);
  line.push("later", 20, terms(1));
  expect(order(line, 30)).toEqual(["later"]);
});
