// Shows values in error messages: on one line, of bounded length, whatever a file or a caller has put in them.

import { refusal } from "./errors.ts";

/** The text in double quotes, control characters escaped, cut after 60 characters. */
export function quoted(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return JSON.stringify(shown).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Whether a value is an object other than a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A short picture of any value. */
export function show(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isObject(value)) {
    const name = Object.getPrototypeOf(value)?.constructor?.name;
    return name && name !== "Object" ? name : "an object";
  }
  return /function|symbol|bigint/.test(typeof value) ? `a ${typeof value}` : value === undefined ? "nothing" : String(value);
}

/** @throws SlonnError `bad-option` unless it is a function. */
export function checkFunction(subject: string, value: unknown): void {
  if (typeof value !== "function") throw refusal("bad-option", subject, show(value), "a function");
}
