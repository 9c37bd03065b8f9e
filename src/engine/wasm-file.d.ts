// What runtimes that import .wasm files make of them. The files lie in build/, beside the JavaScript that imports them.

declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}
