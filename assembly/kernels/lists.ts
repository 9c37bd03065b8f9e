// Lists made from lists.
import { count, indices, setCount } from "../lanes/list";

/** Lists the units per·i … per·i + per − 1 that are below `units`, for each i of the list. Returns how many. */
export function expand(list: usize, per: i32, units: i32, out: usize): i32 {
  const n = count(list);
  const from = indices(list);
  const to = indices(out);
  let found = 0;
  for (let i = 0; i < n; i++) {
    const begin = load<i32>(from + (<usize>i << 2)) * per;
    const end = min(begin + per, units);
    for (let u = begin; u < end; u++, found++) store<i32>(to + (<usize>found << 2), u);
  }
  setCount(out, found);
  return found;
}

/** out = the indices of a that b does not hold; both ascending. Returns how many. */
export function subtract(a: usize, b: usize, out: usize): i32 {
  const m = count(a);
  const n = count(b);
  const from = indices(a);
  const without = indices(b);
  const to = indices(out);
  let found = 0;
  let j = 0;
  for (let i = 0; i < m; i++) {
    const v = load<u32>(from + (<usize>i << 2));
    while (j < n && load<u32>(without + (<usize>j << 2)) < v) j++;
    if (j < n && load<u32>(without + (<usize>j << 2)) == v) continue;
    store<u32>(to + (<usize>found << 2), v);
    found++;
  }
  setCount(out, found);
  return found;
}
