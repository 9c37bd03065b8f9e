// The door `slonn/load`: what runtimes know of the machine's load, as hints for a session.

export { type PressureWatch, type WatchOptions, watchPressure } from "./adapters/watch-pressure.ts";
