// Settings and rules are plain data: two that look alike are one.

/** Each that differs from all before it. */
export function unique<T>(all: readonly T[]): T[] {
  const seen = new Set<string>();
  return all.filter((one) => {
    const key = JSON.stringify(one);
    return !seen.has(key) && seen.add(key);
  });
}
