/**
 * The door `slonn/load`: what runtimes tell about the machine's load, as hints for a session.
 * @module
 */

export { type PressureWatch, type WatchOptions, watchPressure } from "./adapters/watch-pressure.ts";
