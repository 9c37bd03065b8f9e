/**
 * The door `slonn/worker`: a session in a Worker of its own, with promises for answers.
 * @module
 */

export type { WorkerLike, WorkerSource } from "./adapters/start-worker.ts";
export { createWorkerSession, type RunOptions, type WorkerSession, type WorkerSessionOptions } from "./adapters/worker-session.ts";
export { type ErrorCode, SlonnError } from "./errors.ts";
