// AbortSignals that many wait on: one listener per signal, because runtimes warn of a leak from eleven listeners on.

/** Calls `stop` when the signal fires. Returns a function that stops listening. Does nothing without a signal. */
export type OnAbort = (signal: AbortSignal | undefined, stop: () => void) => () => void;

/** Listens to a signal only while somebody waits for it. */
export function createAbortListener(): OnAbort {
  const waiting = new Map<AbortSignal, { stops: Set<() => void>; listener: () => void }>();
  return (signal, stop) => {
    if (!signal) return () => {};
    let entry = waiting.get(signal);
    if (!entry) {
      const stops = new Set<() => void>();
      const listener = (): void => {
        waiting.delete(signal);
        for (const one of stops) one();
      };
      entry = { stops, listener };
      waiting.set(signal, entry);
      signal.addEventListener("abort", listener, { once: true });
    }
    const { stops, listener } = entry;
    stops.add(stop);
    return () => {
      if (!stops.delete(stop) || stops.size > 0) return;
      waiting.delete(signal);
      signal.removeEventListener("abort", listener);
    };
  };
}
