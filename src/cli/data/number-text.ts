// Decimal numbers from bytes of text, without making a string of each. It knows no delimiter and no line.

const powersOfTen: readonly number[] = Array.from({ length: 23 }, (_, e) => 10 ** e);

/**
 * The number written in `bytes[from … to)`, or NaN where that is not one decimal number ("nan", "inf" and "0x1" are not).
 * Short numbers are converted exactly as by `Number`: an integer below 2^53 divided by a power of ten up to 10^22 rounds once.
 */
export function parseNumber(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  const negative = bytes[i] === 0x2d;
  if (negative || bytes[i] === 0x2b) i++;
  let digits = 0;
  let fraction = 0;
  let point = false;
  let mantissa = 0;
  for (; i < to; i++) {
    const digit = bytes[i] - 0x30;
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digits++;
      if (point) fraction++;
    } else if (bytes[i] === 0x2e && !point) point = true;
    else break;
  }
  if (digits === 0) return Number.NaN;
  if (i === to && digits <= 15) {
    const value = fraction === 0 ? mantissa : mantissa / powersOfTen[fraction];
    return negative ? -value : value;
  }
  for (; i < to; i++) if (!isExponentByte(bytes[i])) return Number.NaN;
  return Number(textOf(bytes, from, to));
}

/** The non-negative integer written in `bytes[from … to)`, or NaN. */
export function parseIndex(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to || to - from > 15) return Number.NaN;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** The text of `bytes[from … to)` for a message: at most 24 bytes of it. */
export function shownText(bytes: Uint8Array, from: number, to: number): string {
  const text = new TextDecoder().decode(bytes.subarray(from, Math.min(to, from + 24)));
  return JSON.stringify(to - from > 24 ? `${text}…` : text);
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

/** Digits, a sign, `e`, `E`: what may follow the mantissa. `Number` judges their order. */
function isExponentByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x65 || byte === 0x45 || byte === 0x2d || byte === 0x2b;
}
