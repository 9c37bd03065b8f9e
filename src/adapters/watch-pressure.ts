// What runtimes can tell of the machine's load: Linux's pressure file, Compute Pressure in Chromium, and everywhere how late timers fire.
// Each is a hint for a session's own estimate (`load: { pressure }`), no more.

import { refusal } from "../errors.ts";
import { checkNames } from "../option-names.ts";
import { show } from "../quoted.ts";
import { builtin } from "./builtin.ts";

/** Where to look, and how often. */
export interface WatchOptions {
  /** Milliseconds between two looks; 250 unless given. */
  everyMs?: number | undefined;
  /** `linux`: /proc/pressure/cpu. `compute`: the browser's PressureObserver. `timers`: how late they come. The first that is there unless given. */
  source?: PressureWatch["source"] | undefined;
}

/** A look at the machine's load, kept up in the background. */
export interface PressureWatch {
  /** Where it looks. */
  readonly source: "linux" | "compute" | "timers";
  /** Share of time in which something had to wait for a core, 0 to 1, as last seen; NaN before the first look. Costs nothing to ask. */
  pressure(): number;
  /** Looks no more; `pressure` says NaN from then on. */
  stop(): void;
}

const optionNames: Record<keyof WatchOptions, true> = { everyMs: true, source: true };
const file = "/proc/pressure/cpu";

/**
 * Watches the machine's load; hand its `pressure` to `createSession(model, { load: { pressure } })`. Keeps no program running.
 * @throws SlonnError `bad-option` for unknown or invalid options, and where the source asked for is not there
 */
export function watchPressure(options: WatchOptions = {}): PressureWatch {
  checkNames("watchPressure", options, optionNames);
  const { everyMs = 250, source } = options;
  if (!(typeof everyMs === "number" && everyMs >= 1 && everyMs < 1e9))
    throw refusal("bad-option", "everyMs", show(everyMs), "milliseconds from 1");
  const { PressureObserver } = globalThis as {
    PressureObserver?: new (changed: (records: { state: string }[]) => void) => ComputePressure;
  };
  let last = Number.NaN;
  const watched = (found: PressureWatch["source"], stop: () => void): PressureWatch => ({
    source: found,
    pressure: () => last,
    stop() {
      stop();
      last = Number.NaN;
    },
  });
  const every = (look: () => void): (() => void) => {
    const timer = setInterval(look, everyMs) as unknown as { unref?(): void };
    timer.unref?.();
    return () => clearInterval(timer as unknown as number);
  };

  const files = builtin<Files>("node:fs");
  if (files && (source ?? "linux") === "linux") {
    let before = stalledUs(files);
    let at = performance.now();
    if (!Number.isNaN(before))
      return watched(
        "linux",
        every(() => {
          const [now, stalled] = [performance.now(), stalledUs(files)];
          last = Math.min(1, Math.max(0, (stalled - before) / (1000 * (now - at))));
          [before, at] = [stalled, now];
        }),
      );
  }
  if (PressureObserver && (source ?? "compute") === "compute") {
    const observer = new PressureObserver((records) => {
      last = shares[records[records.length - 1].state] ?? Number.NaN;
    });
    observer.observe("cpu", { sampleInterval: everyMs }).catch(() => {});
    return watched("compute", () => observer.disconnect());
  }
  if ((source ?? "timers") !== "timers") throw refusal("bad-option", "source", show(source), "one that this runtime has");
  let due = performance.now() + everyMs;
  return watched(
    "timers",
    every(() => {
      const now = performance.now();
      const lateMs = Math.max(0, now - due);
      last = lateMs / (lateMs + everyMs);
      due = now + everyMs;
    }),
  );
}

interface Files {
  readFileSync(path: string, encoding: "utf8"): string;
}

interface ComputePressure {
  observe(source: "cpu", options: { sampleInterval: number }): Promise<void>;
  disconnect(): void;
}

/** What Compute Pressure's words may stand for; it gives no numbers. */
const shares: Readonly<Record<string, number>> = { nominal: 0, fair: 0.2, serious: 0.6, critical: 1 };

/** Microseconds in which something waited for a core, since the machine started; NaN where the kernel does not say. */
function stalledUs(files: Files): number {
  try {
    return Number(/^some .*total=(\d+)/m.exec(files.readFileSync(file, "utf8"))?.[1] ?? Number.NaN);
  } catch {
    return Number.NaN;
  }
}
