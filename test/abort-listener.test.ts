// One listener per signal, however many wait for it, and none once nobody does.
import { describe, expect, test, vi } from "vitest";
import { createAbortListener } from "../src/abort-listener.ts";

describe("an abort listener", () => {
  test("tells everybody who waits for a signal, through one listener", () => {
    const { signal, abort } = spied();
    const onAbort = createAbortListener();
    const stops = [vi.fn(), vi.fn(), vi.fn()];
    const forget = stops.map((stop) => onAbort(signal, stop));
    expect(signal.addEventListener).toHaveBeenCalledTimes(1);
    forget[1]();
    expect(signal.removeEventListener).not.toHaveBeenCalled();
    abort();
    expect(stops.map((stop) => stop.mock.calls.length)).toEqual([1, 0, 1]);
  });

  test("lets a signal go when the last one forgets it, and listens again for the next", () => {
    const { signal, abort } = spied();
    const onAbort = createAbortListener();
    const early = vi.fn();
    const forget = onAbort(signal, early);
    forget();
    forget();
    expect(signal.removeEventListener).toHaveBeenCalledTimes(1);
    const late = vi.fn();
    onAbort(signal, late);
    abort();
    expect(early).not.toHaveBeenCalled();
    expect(late).toHaveBeenCalledTimes(1);
  });

  test("has nothing to hear of without a signal", () => {
    const stop = vi.fn();
    createAbortListener()(undefined, stop)();
    expect(stop).not.toHaveBeenCalled();
  });
});

function spied() {
  const controller = new AbortController();
  const { signal } = controller;
  vi.spyOn(signal, "addEventListener");
  vi.spyOn(signal, "removeEventListener");
  return { signal, abort: () => controller.abort() };
}
