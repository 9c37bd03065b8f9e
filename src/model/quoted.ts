// How a name found in a file appears in an error message: quoted, on one line, of bounded length. Files may hold any bytes as names.

/** The text in double quotes, control characters escaped, cut after 60 characters. */
export function quoted(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return JSON.stringify(shown).replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
