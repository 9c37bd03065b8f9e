// The one error class. Every refusal a caller can meet has a code from a closed set; messages name the subject first,
// then what was found and what was expected.

/** What went wrong, for programs. Messages are for people and may change; codes do not. */
export type ErrorCode =
  /** A file does not follow its format: truncated, corrupted, or contradicting itself. */
  | "bad-file"
  /** A checksum stored in a file does not match its content. */
  | "checksum"
  /** A well-formed file holds something outside what is supported (an operator, a dtype, a version). */
  | "unsupported"
  /** A network that cannot be run: layers that do not fit together, weights that are not finite. */
  | "bad-model"
  /** An input or label of the wrong length, type or value. */
  | "bad-input"
  /** A service level objective with unknown keys, impossible values or a contradiction. */
  | "bad-slo"
  /** An option that is unknown or out of range. */
  | "bad-option"
  /** Too few calibration samples for the promise asked. */
  | "too-few-samples"
  /** A source that could not be read: not found, refused, interrupted. */
  | "unreadable"
  /** No engine can run here with what was asked for. */
  | "no-engine"
  /** A deadline that cannot be met any more, of a query that asked to be refused then. */
  | "deadline"
  /** A queue is full. */
  | "overloaded"
  /** A Worker that could not be started, or died. */
  | "worker"
  /** The caller's AbortSignal fired. */
  | "aborted"
  /** A disposed session was used. */
  | "disposed";

/** Every error this package throws on purpose. */
export class SlonnError extends Error {
  override readonly name = "SlonnError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** An error in the one form messages have: the subject first, then what was got and what was expected. */
export function refusal(code: ErrorCode, subject: string, got: string | number, expected: string | number): SlonnError {
  return new SlonnError(code, `${subject}: got ${got}, expected ${expected}`);
}

/** What went wrong, in the words of whoever threw it. */
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
