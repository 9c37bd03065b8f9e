// Refusing unknown options: a misspelt one would silently do nothing.

import { refusal } from "./errors.ts";
import { isObject, show } from "./quoted.ts";

/**
 * @param subject the function the options were handed to, for the message
 * @throws SlonnError `bad-option` for what is no object, and for a name that is not in `known`
 */
export function checkNames(subject: string, options: unknown, known: Record<string, true>): void {
  const names = Object.keys(known).join(", ");
  if (!isObject(options)) throw refusal("bad-option", subject, show(options), `an object of ${names}`);
  const odd = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (odd !== undefined) throw refusal("bad-option", subject, odd, names);
}
