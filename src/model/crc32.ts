// CRC-32 (IEEE 802.3, reflected, as in zip and PNG). A model is checked before it answers, so this has to be fast: it takes eight bytes at a
// time, and four quarters of the bytes side by side, as one alone would wait for its table look-ups.

const polynomial = 0xedb88320;

/** Makes a function that computes the CRC-32 of bytes and holds its table; `before` is the CRC-32 of the bytes in front of these. */
export function createCrc32(): (bytes: Uint8Array, before?: number) => number {
  /** table[256 · k + v] is what byte v adds when k zero bytes follow it. */
  const table = new Int32Array(8 * 256);
  table.forEach((_, i) => {
    table[i] = i < 256 ? zeros(i, 8) : (table[i - 256] >>> 8) ^ table[table[i - 256] & 255];
  });
  const byByte = (crc: number, byte: number): number => (crc >>> 8) ^ table[(crc ^ byte) & 255];
  const byEight = (low: number, high: number): number =>
    table[1792 + (low & 255)] ^
    table[1536 + ((low >>> 8) & 255)] ^
    table[1280 + ((low >>> 16) & 255)] ^
    table[1024 + (low >>> 24)] ^
    table[768 + (high & 255)] ^
    table[512 + ((high >>> 8) & 255)] ^
    table[256 + ((high >>> 16) & 255)] ^
    table[high >>> 24];

  return (bytes, before = 0) => {
    let crc = ~before;
    let at = 0;
    for (; at < bytes.length && (bytes.byteOffset + at) % 4 !== 0; at++) crc = byByte(crc, bytes[at]);
    const words = new Int32Array(bytes.buffer, at < bytes.length ? bytes.byteOffset + at : 0, (bytes.length - at) / 4);
    const quarter = (words.length >> 3) << 1;
    let [a, b, c] = [0, 0, 0];
    for (let w = 0; w < quarter; w += 2) {
      crc = byEight(crc ^ words[w], words[w + 1]);
      a = byEight(a ^ words[w + quarter], words[w + quarter + 1]);
      b = byEight(b ^ words[w + 2 * quarter], words[w + 2 * quarter + 1]);
      c = byEight(c ^ words[w + 3 * quarter], words[w + 3 * quarter + 1]);
    }
    const further = power(quarter * 4);
    for (const next of [a, b, c]) crc = times(crc, further) ^ next;
    for (at += quarter * 16; at < bytes.length; at++) crc = byByte(crc, bytes[at]);
    return ~crc >>> 0;
  };
}

/** What a remainder becomes when `n` zero bits follow. */
function zeros(remainder: number, n: number): number {
  let r = remainder;
  for (let bit = 0; bit < n; bit++) r = r & 1 ? (r >>> 1) ^ polynomial : r >>> 1;
  return r;
}

/** The product of two remainders, reflected: the highest bit is 1. */
function times(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 32; bit++) if (a & (1 << (31 - bit))) product ^= zeros(b, bit);
  return product;
}

/** The factor of a remainder that this many bytes follow. */
function power(bytes: number): number {
  if (bytes === 0) return 1 << 31;
  const half = power(bytes >> 1);
  const square = times(half, half);
  return bytes & 1 ? zeros(square, 8) : square;
}
