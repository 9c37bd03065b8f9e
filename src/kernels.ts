/**
 * The door `slonn/kernels`: the WebAssembly kernels with typed arrays in and out, every result a copy.
 * @module
 */

export type { ArrayFunctions, ArrayKernels, ArrayKernelsOptions } from "./engine/array-kernels.ts";
export { createArrayKernels as createKernels } from "./engine/array-kernels.ts";
export { type ErrorCode, SlonnError } from "./errors.ts";
