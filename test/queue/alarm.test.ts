// One timer, for what is due first.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createAlarm } from "../../src/queue/alarm.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const clock = { now: () => Date.now() - start };
let start = 0;

describe("an alarm", () => {
  test("rings once, at the earliest time it was set to", () => {
    const { rung, alarm } = ringing();
    for (const at of [300, 100, 200]) alarm.set(at);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(99);
    expect(rung).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(rung).toEqual([100]);
  });

  test("rings again when what is due next says so", () => {
    const { rung, alarm } = ringing([250, 400]);
    alarm.set(100);
    vi.advanceTimersByTime(1000);
    expect(rung).toEqual([100, 250, 400]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("does not ring once it is cleared, and can be set again, also to a later time", () => {
    const { rung, alarm } = ringing();
    alarm.set(100);
    alarm.clear();
    vi.advanceTimersByTime(200);
    alarm.set(500);
    vi.advanceTimersByTime(1000);
    expect(rung).toEqual([500]);
  });

  test("keeps no program running", () => {
    vi.useRealTimers();
    const kept = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = kept();
    const { alarm } = ringing();
    alarm.set(1000);
    expect(kept()).toBe(before);
    alarm.clear();
  });

  test("rings at once for what is past, and waits for what no timer can be set to", () => {
    const { rung, alarm } = ringing([2 ** 33]);
    alarm.set(-5);
    vi.advanceTimersByTime(0);
    expect(rung).toEqual([0]);
    vi.advanceTimersByTime(2 ** 31 - 2);
    expect(rung).toHaveLength(1);
    vi.advanceTimersByTime(1);
    // a timer's longest time is over; nothing was due, and whoever set it says what is
    expect(rung).toHaveLength(2);
  });
});

function ringing(next: number[] = []) {
  start = Date.now();
  const rung: number[] = [];
  const alarm = createAlarm(clock, () => {
    rung.push(clock.now());
    return next.shift() ?? Number.POSITIVE_INFINITY;
  });
  return { rung, alarm };
}
