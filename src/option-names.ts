// Refusing options that nobody knows: a misspelt one would do nothing, and nobody would hear of it.

import { refusal } from "./errors.ts";

/**
 * @param subject the function they were handed to, for the message
 * @throws SlonnError `bad-option` for what is no object, or has a name that is not among those known
 */
export function checkNames(subject: string, options: unknown, known: Record<string, true>): void {
  const isObject = typeof options === "object" && options !== null;
  const odd = isObject
    ? Object.keys(options).find((name) => !Object.hasOwn(known, name))
    : options === null
      ? "null"
      : `a ${typeof options}`;
  if (odd !== undefined) throw refusal("bad-option", subject, odd, `${isObject ? "" : "an object of "}${Object.keys(known).join(", ")}`);
}
