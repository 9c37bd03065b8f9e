// Reading and writing lists in memory (layout in abi.ts).
import { LIST_HEADER } from "../abi";

// @ts-ignore: decorator
@inline
export function count(list: usize): i32 {
  return load<i32>(list);
}

// @ts-ignore: decorator
@inline
export function setCount(list: usize, n: i32): void {
  store<i32>(list, n);
}

// @ts-ignore: decorator
@inline
export function indices(list: usize): usize {
  return list + LIST_HEADER;
}

// @ts-ignore: decorator
@inline
export function values(list: usize): usize {
  return list + LIST_HEADER + (((<usize>load<u32>(list, 4) << 2) + 15) & ~15);
}

/** The address of item which[i], where items of `bytes` stand side by side from `base`. */
// @ts-ignore: decorator
@inline
export function itemAt(base: usize, bytes: usize, which: usize, i: i32): usize {
  return base + <usize>load<u32>(which + (<usize>i << 2)) * bytes;
}
