// Type what a noun means, see what kind of thing it is, and how little of the network was computed to tell.
//
//   npm run define -- "a small domesticated feline"
//   npm run define                                      asks for definitions; a line each from a pipe
//   npm run define -- --slo loss=0.01 --top 10 "..."

import { createInterface } from "node:readline/promises";
import { parseSlo } from "../src/policy/slo.ts";
import { categoriesText, createCategorizer } from "./categories.ts";
import { flagsOf, wholeNumber } from "./flags.ts";
import { loadNetworkModel, readNames } from "./networks.ts";
import { sayRefusals } from "./say-refusals.ts";

sayRefusals("define");
const { values, positionals } = flagsOf(import.meta.filename, {
  allowPositionals: true,
  options: { slo: { type: "string" }, top: { type: "string", default: "8" } },
});
const top = wholeNumber("top", values.top, 1);
const slo = values.slo === undefined ? undefined : parseSlo(values.slo);
const model = await loadNetworkModel("wordnet");
const categorizer = await createCategorizer(model, readNames("wordnet", "words"), readNames("wordnet", "labels"), slo);
const answer = (definition: string): void => {
  const found = categorizer.categorize(definition, top);
  process.stdout.write(found ? categoriesText(found) : "no word of this is in the vocabulary\n");
};

if (positionals.length > 0) answer(positionals.join(" "));
else {
  const { stdin, stdout } = process;
  const lines = createInterface({ input: stdin, output: stdin.isTTY ? stdout : undefined, prompt: "a noun that means: " });
  if (stdin.isTTY) lines.prompt();
  for await (const line of lines) {
    if (line.trim() !== "") answer(line);
    if (stdin.isTTY) lines.prompt();
  }
}
categorizer.dispose();
