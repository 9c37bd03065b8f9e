// Modules of the runtime's own, reached without an import, so that bundles for other runtimes need none.

/** `name` as in `node:fs`; undefined where the runtime has no such module. */
export function builtin<Module>(name: string): Module | undefined {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  return host?.getBuiltinModule?.(name) as Module | undefined;
}
