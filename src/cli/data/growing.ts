// A typed array that grows by doubling while a text file is read. It knows nothing of what the numbers mean.

type Numbers = Float32Array | Float64Array | Uint32Array;

export interface Growing<A extends Numbers> {
  length(): number;
  push(value: number): void;
  /** Forgets all but the first `length` numbers. */
  cut(length: number): void;
  /** The numbers so far, as a view. */
  take(): A;
}

export function growing<A extends Numbers>(make: new (length: number) => A): Growing<A> {
  let held = new make(1024);
  let length = 0;
  return {
    length: () => length,
    push(value) {
      if (length === held.length) {
        const wider = new make(length * 2);
        wider.set(held);
        held = wider;
      }
      held[length++] = value;
    },
    cut(kept) {
      length = kept;
    },
    take: () => held.subarray(0, length) as A,
  };
}
