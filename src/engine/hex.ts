// Bytes as text, the way a binary travels in a source file. Hexadecimal, though base64 is shorter: it keeps bytes aligned, so the
// two SIMD builds, which are nearly the same, compress to little more than one (6.2 kB instead of 7.3).

/** @param text two digits a byte, as the build wrote it */
export function bytesOfHex(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
