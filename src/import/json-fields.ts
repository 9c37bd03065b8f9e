// Values of parsed JSON with their type checked, for formats that describe a network in JSON. It knows no format.

import { messageOf, refusal, SlonnError } from "../errors.ts";
import { isObject, quoted } from "../quoted.ts";

export type JsonObject = Record<string, unknown>;

/** Parses UTF-8 JSON. @throws SlonnError `bad-file` naming `what`. */
export function parseJson(source: Uint8Array | string, what: string): unknown {
  try {
    const text = typeof source === "string" ? source : new TextDecoder("utf-8", { fatal: true }).decode(source);
    return JSON.parse(text);
  } catch (cause) {
    throw new SlonnError("bad-file", `${what}: got text that does not parse (${quoted(messageOf(cause))}), expected UTF-8 JSON`, { cause });
  }
}

/** @throws SlonnError `bad-file` where the value is not an object. */
export function asObject(value: unknown, what: string): JsonObject {
  if (!isObject(value)) throw refusal("bad-file", what, shown(value), "an object");
  return value;
}

/** @throws SlonnError `bad-file` where the value is not an array. */
export function asArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw refusal("bad-file", what, shown(value), "an array");
  return value;
}

/** @throws SlonnError `bad-file` where the value is not a string of at least one character. */
export function asString(value: unknown, what: string): string {
  if (typeof value !== "string" || value === "") throw refusal("bad-file", what, shown(value), "a string");
  return value;
}

/** @throws SlonnError `bad-file` where the value is not a finite number. */
export function asNumber(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw refusal("bad-file", what, shown(value), "a finite number");
  return value;
}

/** What is held by the object that Keras 3 stores some numbers in, { class_name: "__numpy__", config: { value } }; all else as it is. */
export function unwrapped(value: unknown): unknown {
  return isObject(value) && isObject(value.config) ? value.config.value : value;
}

/** A number where there is one. @throws SlonnError `bad-file` where it is something else. */
export function optionalNumber(value: unknown, otherwise: number, what: string): number {
  const held = unwrapped(value);
  return held === undefined || held === null ? otherwise : asNumber(held, what);
}

/** A list of sizes. @throws SlonnError `bad-file` where one is not a whole number from 0 to 2^53. */
export function asShape(value: unknown, what: string): readonly number[] {
  const shape = asArray(value, what);
  if (!shape.every((n) => Number.isSafeInteger(n) && (n as number) >= 0)) throw refusal("bad-file", what, shown(value), "a list of sizes");
  return shape as readonly number[];
}

/** A value in a message: short, whatever a file holds. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value) && value.length > 16) return `a list of ${value.length}`;
  if (isObject(value)) return "an object";
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = typeof value; // nested too deeply to print
  }
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
