import { existsSync } from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type PressureWatch, watchPressure } from "../../src/adapters/watch-pressure.ts";

const watches: PressureWatch[] = [];
const watch = (...options: Parameters<typeof watchPressure>): PressureWatch => {
  const made = watchPressure(...options);
  watches.push(made);
  return made;
};
afterEach(() => {
  for (const made of watches.splice(0)) made.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A process whose pressure file says so many microseconds. */
const pressureFile = (say: () => string) => ({
  getBuiltinModule: () => ({ readFileSync: say }),
});

test.each<[string, unknown]>([
  ["a misspelt option", { every: 5 }],
  ["none at all", null],
  ["a time as text", { everyMs: "250" }],
  ["a time as a BigInt", { everyMs: 250n }],
  ["a time that is none", { everyMs: Symbol("250") }],
])("refuses %s", (_, options) => {
  expect(() => watch(options as object)).toThrow(expect.objectContaining({ code: "bad-option" }));
});

describe("the pressure file of Linux", () => {
  test("is read again and again: the share of time in which something waited", () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    let total = 5_000_000;
    vi.stubGlobal(
      "process",
      pressureFile(() => `some avg10=1.00 avg60=0.50 avg300=0.10 total=${total}\nfull avg10=0.00 total=7\n`),
    );
    const seen = watch({ everyMs: 100 });
    expect([seen.source, seen.pressure()]).toEqual(["linux", Number.NaN]);
    total += 25_000;
    vi.advanceTimersByTime(100);
    expect(seen.pressure()).toBeCloseTo(0.25, 6);
    total += 500_000; // more than can be: several cores' worth
    vi.advanceTimersByTime(100);
    expect(seen.pressure()).toBe(1);
    vi.advanceTimersByTime(100);
    expect(seen.pressure()).toBe(0);
    total -= 30_000; // a file that counts from anew
    vi.advanceTimersByTime(100);
    expect(seen.pressure()).toBe(0);
    seen.stop();
    total += 50_000;
    vi.advanceTimersByTime(1000);
    expect(seen.pressure()).toBeNaN();
  });

  test.runIf(existsSync("/proc/pressure/cpu"))("is really there on this machine", async () => {
    const seen = watch({ everyMs: 20, source: "linux" });
    for (let i = 0; i < 200 && Number.isNaN(seen.pressure()); i++) await wait(10);
    expect(seen.pressure()).toBeGreaterThanOrEqual(0);
    expect(seen.pressure()).toBeLessThanOrEqual(1);
  });

  test("that cannot be read, or says something else, is passed over", () => {
    for (const say of [
      () => "",
      () => "full total=5",
      (): string => {
        throw new Error("no such file");
      },
    ]) {
      vi.stubGlobal("process", pressureFile(say));
      expect(watch().source).toBe("timers");
      expect(() => watchPressure({ source: "linux" })).toThrow(expect.objectContaining({ code: "bad-option" }));
    }
  });
});

test("Compute Pressure speaks in words", async () => {
  let change: (records: { state: string }[]) => void = () => {};
  let stopped = 0;
  const observed: unknown[] = [];
  class PressureObserver {
    constructor(changed: typeof change) {
      change = changed;
    }
    observe = async (...asked: unknown[]): Promise<void> => void observed.push(asked);
    disconnect = (): void => void stopped++;
  }
  vi.stubGlobal("process", undefined);
  vi.stubGlobal("PressureObserver", PressureObserver);
  const seen = watch();
  expect([seen.source, seen.pressure()]).toEqual(["compute", Number.NaN]);
  const said = ["nominal", "fair", "serious", "critical", "unheard of"].map((state) => {
    change([{ state: "critical" }, { state }]);
    return seen.pressure();
  });
  expect(said).toEqual([0, 0.2, 0.6, 1, Number.NaN]);
  seen.stop();
  expect(stopped).toBe(1);
  expect(observed).toEqual([["cpu", { sampleInterval: 250 }]]);
  expect(watch({ source: "timers" }).source).toBe("timers");
  expect(observed).toHaveLength(1);
});

test("watching keeps no program running", () => {
  const kept = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  const before = kept();
  watch({ source: "timers" });
  expect(kept()).toBe(before);
});

test("timers tell by how late they come", () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  const now = vi.spyOn(performance, "now");
  let at = 0;
  now.mockImplementation(() => at);
  const seen = watch({ everyMs: 100, source: "timers" });
  at = 100;
  vi.advanceTimersByTime(100);
  expect(seen.pressure()).toBe(0);
  at = 300; // due at 200
  vi.advanceTimersByTime(100);
  expect(seen.pressure()).toBe(0.5);
  at = 0; // a clock that ran backwards
  vi.advanceTimersByTime(100);
  expect(seen.pressure()).toBe(0);
  now.mockRestore();
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses to look every %f ms", (everyMs) => {
  expect(() => watchPressure({ everyMs })).toThrow(expect.objectContaining({ code: "bad-option" }));
});

test("refuses a source this runtime has not", () => {
  expect(() => watchPressure({ source: "compute" })).toThrow('source: got "compute", expected one that this runtime has');
  expect(() => watchPressure({ source: Object.create(null) })).toThrow("source: got an object, expected");
});
