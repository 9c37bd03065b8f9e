// Modules of the runtime's own, reached without an import, so that bundles for other runtimes need none.

interface Host {
  process?: { getBuiltinModule?(name: string): unknown };
}

/** `name` as in `node:fs`; undefined where the runtime has no such module. */
export function builtin<Module>(name: string): Module | undefined {
  try {
    return (globalThis as Host).process?.getBuiltinModule?.(name) as Module | undefined;
  } catch {
    return; // Next.js has a function here in its edge runtime that refuses to be called
  }
}
