import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/clock.ts";
import { measureBandwidth } from "../../src/session/bandwidth.ts";

/** Moves by `step` ms at every look. */
const ticking = (step: number): Clock => {
  let now = 0;
  return { now: () => (now += step) };
};
const panel = 512 * 16 * 4;

describe.each(["simd", "js"] as const)("read bandwidth on %s", (backend) => {
  test("is the bytes of whole panels over the time of a pass", async () => {
    // one pass over 40 panels, more than the least worth timing, in 2 ms
    expect(await measureBandwidth(40 * panel, ticking(2), { backend })).toBe((40 * panel) / 2000);
    expect(await measureBandwidth(40 * panel + 100, ticking(2), { backend })).toBe((40 * panel) / 2000);
  });

  test("reads little several times between two looks at the clock", async () => {
    expect(await measureBandwidth(panel, ticking(1), { backend })).toBe((32 * panel) / 1000);
    expect(await measureBandwidth(0, ticking(1), { backend })).toBe((32 * panel) / 1000);
  });

  test("takes the faster kernel, and its median pass", async () => {
    let [now, looks] = [0, 0];
    // the second kernel takes 1 ms, the first 4; one pass in ten takes 100
    const clock: Clock = {
      now: () => {
        const [pass, within] = [Math.floor(looks / 2), looks % 2];
        looks++;
        if (within === 1) now += pass % 10 === 9 ? 100 : pass % 2 === 1 ? 1 : 4;
        return now;
      },
    };
    expect(await measureBandwidth(32 * panel, clock, { backend })).toBe((32 * panel) / 1000);
  });

  test("is unknown where time stands still", async () => {
    expect(await measureBandwidth(panel, { now: () => 7 }, { backend })).toBeNaN();
  });
});
