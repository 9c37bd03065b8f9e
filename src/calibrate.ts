/**
 * The door `slonn/calibrate`: fits activators and certifies levels, offline. No query needs it.
 * @module
 */

export { type ActivatorKind, type CalibrateOptions, calibrate } from "./calibrate/calibrate.ts";
export type { HashShape } from "./calibrate/fit-hash.ts";
export type { Labels, Rows } from "./model/rows.ts";
export { encodeModel } from "./model/slonn-file.ts";
