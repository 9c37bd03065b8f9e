/**
 * The door `slonn/load`: what runtimes know of the machine's load, as hints for a session.
 * @module
 */

export { type PressureWatch, type WatchOptions, watchPressure } from "./adapters/watch-pressure.ts";
