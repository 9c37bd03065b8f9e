// Writes a binary as src/engine/binary-text.ts reads it: 89 digits from "#" on, the backslash among them replaced by "!"; "|" and "}"
// before a digit add 89 and 178. Digits are shifted by five, so that the bytes a WebAssembly binary has most of need no mark.

/** @param {Uint8Array} bytes */
export function textOfBytes(bytes) {
  let text = "";
  for (const byte of bytes) {
    const value = (byte + 5) % 256;
    if (value >= 89) text += value < 178 ? "|" : "}";
    text += String.fromCharCode(35 + (value % 89)).replace("\\", "!");
  }
  return text;
}
