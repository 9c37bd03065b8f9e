// A plugin of typedoc: calls the modules of the reference what programs import, `slonn/queue`, by the package's own exports.
import { readFileSync } from "node:fs";
import { Converter, ReflectionKind } from "typedoc";

const { name, exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const doors = new Map(
  Object.entries(exports).flatMap(([door, { default: file }]) => {
    const [, module] = /^\.\/build\/js\/(.+)\.js$/.exec(file ?? "") ?? [];
    return module ? [[module, door.replace(/^\./, name)]] : [];
  }),
);

export function load({ converter }) {
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) module.name = doors.get(module.name) ?? module.name;
  });
}
