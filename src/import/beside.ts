// Names that a model's file gives to files beside it. Whatever reads them, from a disk or by URL, must not be led elsewhere.

/**
 * A relative path to a file beside or below the model, or null where `path` is none. One file has one path, without ".", or it would be read
 * once for each; "%2e", "%2f" and "%5c" are what URLs take for ".", "/" and "\".
 */
export function pathBeside(path: string): string | null {
  const segments = path.split("/").filter((segment) => !/^(\.|%2e)$/i.test(segment));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  const strange = /[\\:\u0000-\u001f\u007f]|%2f|%5c/i.test(path);
  if (strange || segments.length === 0 || segments.some((segment) => segment === "" || /^(\.|%2e){2}$/i.test(segment))) return null;
  return segments.join("/");
}
