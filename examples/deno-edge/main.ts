// The same handler for Deno (`deno serve`) and Bun (`bun main.ts`), which both serve a default export with `fetch`. The model is a file.

import { readFileSync } from "node:fs";
import process from "node:process";
import { gunzipSync } from "node:zlib";
import { loadModel } from "slonn";
import { budgetOf, createHandler } from "../cloudflare-worker/handler.ts";
import { createTagger } from "../cloudflare-worker/tagger.ts";

const path = (relative: string): URL => new URL(relative, import.meta.url);
const linesOf = (name: string): string[] =>
  gunzipSync(readFileSync(path(`../data/wordnet/${name}.txt.gz`)))
    .toString()
    .trimEnd()
    .split("\n");

const { CPU_MS = "50", MODEL, PORT = "8000" } = process.env;

export default {
  port: Number(PORT),
  fetch: createHandler(async () => {
    const model = await loadModel(MODEL ?? path("../models/wordnet.slonn"), { stream: true });
    return createTagger(model, linesOf("words"), linesOf("labels"), budgetOf(Number(CPU_MS)));
  }),
};
