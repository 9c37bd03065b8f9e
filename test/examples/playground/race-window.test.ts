import { describe, expect, test } from "vitest";
import type { Raced } from "../../../examples/playground/messages.ts";
import { figuresOf, sameShare, timeText, withRows } from "../../../examples/playground/race-window.ts";

const row = (askedMs: number, denseMs: number, isRight: boolean, isSame = true): Raced => ({
  asked: { ms: askedMs, macs: 10, isRight },
  dense: { ms: denseMs, macs: 100, isRight: true },
  isSame,
});

describe("the window of raced rows", () => {
  test("keeps the latest, in order", () => {
    const rows = [1, 2, 3, 4, 5].map((ms) => row(ms, ms, true));
    expect(withRows(rows.slice(0, 3), rows.slice(3), 4)).toEqual(rows.slice(1));
  });

  test("comes to figures of each way", () => {
    const window = [row(4, 40, true), row(1, 10, false), row(3, 30, true, false), row(2, 20, true)];
    expect(figuresOf(window, "asked", 3)).toEqual({ p50: 3, p95: 4, kept: 0.75, macs: 10, right: 0.75 });
    expect(figuresOf(window, "dense", 3)).toEqual({ p50: 30, p95: 40, kept: 0, macs: 100, right: 1 });
    expect(figuresOf(window, "asked", null).kept).toBe(null);
    expect(sameShare(window)).toBe(0.75);
  });

  test("tells no time that the clock cannot", () => {
    expect(timeText(0, 0.02)).toBe("under 0.020 ms");
    // as differences of clocks come
    expect(timeText(0.0199999, 0.02)).toBe("0.020 ms");
  });
});
