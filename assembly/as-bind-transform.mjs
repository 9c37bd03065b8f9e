// A transform of the AssemblyScript compiler that writes what as-bind's runtime reads: a custom section naming the types of
// every exported and imported function and the class id and size behind each type. It stands in for as-bind's own
// transform, a CommonJS module that cannot load the ESM-only compiler. It knows nothing of what the functions do.
import { CommonFlags, NodeKind } from "assemblyscript";
import { Transform } from "assemblyscript/transform";

const bindable = /^(void|bool|[iuf](8|16|32|64)|[iu]size|~lib\/string\/String|~lib\/typedarray\/\w+|~lib\/arraybuffer\/ArrayBuffer)$/;

export default class AsBindTransform extends Transform {
  afterCompile(module) {
    const buffer = this.program.arrayBufferInstance;
    // always listed, since every typed array owns a buffer
    const typeIds = { [buffer.internalName]: { id: buffer.id, byteSize: buffer.nextMemoryOffset } };
    const describe = (prototype) => {
      const { signature } = prototype.getResolvedInstance("");
      return { returnType: nameOf(signature.returnType, prototype), parameters: signature.parameterTypes.map((type) => nameOf(type, prototype)) };
    };
    const nameOf = (type, prototype) => {
      const owner = type.getClass();
      const name = owner ? owner.internalName : type.toString();
      if (!bindable.test(name)) throw new Error(`${prototype.name}: got type ${name}, expected a scalar, string, typed array or ArrayBuffer`);
      if (owner) typeIds[name] = { id: owner.id, byteSize: owner.nextMemoryOffset };
      return name;
    };
    const functions = [...this.program.elementsByDeclaration.values()].filter(
      (element) => element.declaration.kind === NodeKind.FunctionDeclaration && !element.internalName.startsWith("~") && element.instances?.has(""),
    );
    const exportedFunctions = {};
    const importedFunctions = {};
    for (const element of functions) {
      if (element.is(CommonFlags.ModuleExport)) exportedFunctions[element.name] = describe(element);
      if (!element.is(CommonFlags.Declare)) continue;
      const from = element.internalName.split("/").at(-2);
      (importedFunctions[from] ??= {})[element.name] = describe(element);
    }
    const text = JSON.stringify({ typeIds, importedFunctions, exportedFunctions });
    module.addCustomSection("as-bind_bindings", new TextEncoder().encode(text));
  }
}
