// The one error class. Every refusal a caller can meet has a code from a closed set; messages name the subject first,
// then what was found and what was expected.

/**
 * What went wrong, for programs. Messages are for people and may change; codes do not.
 *
 * - `bad-file`: a file does not follow its format: truncated, corrupted, or contradicting itself
 * - `checksum`: a checksum stored in a file does not match its content
 * - `unsupported`: a well-formed file holds something outside what is supported (an operator, a dtype, a version)
 * - `bad-model`: a network that cannot be run: layers that do not fit together, weights that are not finite
 * - `bad-input`: an input or label of the wrong length, type or value
 * - `bad-slo`: a service level objective with unknown keys, impossible values or a contradiction
 * - `bad-option`: an option that is unknown or out of range
 * - `too-few-samples`: too few calibration samples for the promise asked
 * - `unreadable`: a source that could not be read: not found, refused, interrupted
 * - `no-engine`: no engine can run here with what was asked for
 * - `deadline`: the deadline cannot be met any more, and the query asked to be refused then
 * - `overloaded`: a queue is full
 * - `worker`: a Worker that could not be started, or died
 * - `aborted`: the caller's AbortSignal fired
 * - `disposed`: a disposed session was used
 */
export type ErrorCode =
  | "bad-file"
  | "checksum"
  | "unsupported"
  | "bad-model"
  | "bad-input"
  | "bad-slo"
  | "bad-option"
  | "too-few-samples"
  | "unreadable"
  | "no-engine"
  | "deadline"
  | "overloaded"
  | "worker"
  | "aborted"
  | "disposed";

/**
 * Every error this package throws on purpose. `instanceof` recognises those of one copy of the package; where several may be loaded (two versions,
 * two bundles in a page), `name` and `code` recognise those of all.
 */
export class SlonnError extends Error {
  override readonly name = "SlonnError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** An error whose message has the usual form: the subject, what was got, and what was expected. */
export function refusal(code: ErrorCode, subject: string, got: string | number, expected: string | number): SlonnError {
  return new SlonnError(code, `${subject}: got ${got}, expected ${expected}`);
}

/** What went wrong, in the words of the error. */
export function messageOf(cause: unknown): string {
  return String(typeof cause === "object" ? (cause as Error | null)?.message : cause);
}

/** The error for a signal that fired. The signal's reason, where it is at hand, becomes the cause. */
export function aborted(signal?: AbortSignal): SlonnError {
  return new SlonnError("aborted", "aborted: the caller's AbortSignal fired", { cause: signal?.reason });
}

/** Throws `aborted` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}

/**
 * As `throwIfAborted`, for a signal that will be listened to.
 * @throws SlonnError with `code` for what is no AbortSignal
 */
export function checkSignal(signal: AbortSignal | undefined, code: ErrorCode): void {
  if (signal != null && typeof signal.addEventListener !== "function") throw refusal(code, "signal", typeof signal, "an AbortSignal");
  throwIfAborted(signal);
}
