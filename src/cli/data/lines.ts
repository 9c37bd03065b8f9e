// Lines of text in bytes, by where they begin and end. It knows nothing of what stands in them.

const [newline, carriageReturn] = [0x0a, 0x0d];

/** `bytes[from … to)`, without the line's end. */
export interface Line {
  from: number;
  to: number;
  /** Counted from 1. */
  number: number;
}

/** Where text begins: behind the mark that some put before UTF-8. */
export function textStart(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** Every line of a text, empty ones included; they end as Unix or as Windows ends them. */
export function* linesOf(bytes: Uint8Array): Generator<Line, void> {
  let number = 0;
  for (let from = textStart(bytes), end: number; from < bytes.length; from = end + 1) {
    end = bytes.indexOf(newline, from);
    if (end < 0) end = bytes.length;
    const to = end > from && bytes[end - 1] === carriageReturn ? end - 1 : end;
    yield { from, to, number: ++number };
  }
}
