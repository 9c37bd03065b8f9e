/**
 * The door `slonn/calibrate`: offline fitting and certifying. Never part of what a query needs.
 * @module
 */

export { type ActivatorKind, type CalibrateOptions, calibrate } from "./calibrate/calibrate.ts";
export type { HashShape } from "./calibrate/fit-hash.ts";
export type { Labels, Rows } from "./model/rows.ts";
export { encodeModel } from "./model/slonn-file.ts";
