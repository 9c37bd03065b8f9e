import { expect, test } from "vitest";
import { importKeras, importOnnx, importSafetensors, importTfjs } from "../../src/import/import.ts";

// biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
const importers: [string, (content: any, options: any) => unknown, object][] = [
  ["importOnnx", importOnnx, {}],
  ["importTfjs", importTfjs, { shard: () => new Uint8Array(0) }],
  ["importKeras", importKeras, {}],
  ["importSafetensors", importSafetensors, {}],
];
const file = new Uint8Array(8);

test.each(importers)("%s refuses arguments of another form, each by what was found", async (importer, run, more) => {
  const refused = async (content: unknown, options: unknown, message: string) =>
    expect((async () => run(content, options))()).rejects.toMatchObject({ code: "bad-option", message: expect.stringContaining(message) });
  await refused(undefined, { name: "m", ...more }, `${importer}: got nothing, expected a Uint8Array`);
  await refused([1, 2], { name: "m", ...more }, `${importer}: got `);
  await refused(new Float32Array(2), { name: "m", ...more }, `${importer}: got `);
  await refused(file, undefined, `${importer}: got nothing, expected an object of name`);
  await refused(file, { ...more }, `${importer}: got nothing as name, expected text`);
  await refused(file, { name: "m", nmae: "m", ...more }, `${importer}: got nmae, expected name`);
});

test("readers of files beside the model are functions", async () => {
  const odd = "weights" as unknown as () => Uint8Array;
  const refusal = (subject: string) => ({ code: "bad-option", message: `${subject}: got "weights", expected a function` });
  await expect(importOnnx(file, { name: "m", external: odd })).rejects.toMatchObject(refusal("external"));
  await expect(importTfjs("{}", { name: "m", shard: odd })).rejects.toMatchObject(refusal("shard"));
});
