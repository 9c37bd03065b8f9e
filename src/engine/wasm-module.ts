// WebAssembly's types as this package's declarations name them. They hold even where no library declares WebAssembly (@types/node does not).

/** A compiled WebAssembly module: the runtime's `WebAssembly.Module` where that is declared, any object where it is not. */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Module } } } ? Module : object;

/** What an instance exports, by name. */
export type WasmExports = Readonly<Record<string, unknown>>;
