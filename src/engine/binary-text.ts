// Bytes as text, the way a binary travels in a source file: printable characters that need no escape. Most bytes become one character, the
// others a mark and a character. Equal stretches of bytes become equal stretches of text, so the text compresses nearly as well as the
// binary; compressed base64, which cuts a binary into threes, takes a fifth more, hexadecimal a tenth.

/** @param text what scripts/binary-text.mjs wrote: digits "#" to "{" ("!" for the backslash), marks "|" and "}" */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  let above = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 123) above = 89 * (code - 123);
    else {
      bytes[length++] = above + (code === 33 ? 92 : code) - 40; // modulo 256: the last page ends where the first begins
      above = 0;
    }
  }
  return bytes.slice(0, length);
}
