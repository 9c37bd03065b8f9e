// The Cloudflare Worker: model and names are static assets, streamed when the first request of an isolate needs them.

import { loadModel } from "slonn";
import { budgetOf, createHandler } from "./handler.ts";
import { createTagger } from "./tagger.ts";

interface Env {
  ASSETS: { fetch(url: string): Promise<Response> };
  /** Milliseconds of processor time that the plan allows a request. */
  CPU_MS: string;
}

interface Context {
  /** Lets a request go on until then, whatever becomes of its caller. */
  waitUntil(done: Promise<unknown>): void;
}

let handle: ((request: Request) => Promise<Response>) | null = null;

export default {
  fetch(request: Request, env: Env, context: Context): Promise<Response> {
    handle ??= createHandler(async () => {
      const asset = (name: string): Promise<Response> => env.ASSETS.fetch(`http://localhost/${name}`);
      const [words, labels] = await Promise.all(["words", "labels"].map(async (name) => linesOf(await asset(`${name}.txt.gz`))));
      const model = await loadModel(await asset("model.slonn"), { stream: true });
      return createTagger(model, words, labels, budgetOf(Number(env.CPU_MS)));
    });
    const answer = handle(request);
    // a caller that hangs up would take the loading along, and everybody else would wait for it for ever
    context.waitUntil(answer);
    return answer;
  },
};

async function linesOf({ body }: Response): Promise<string[]> {
  const text = await new Response(body?.pipeThrough(new DecompressionStream("gzip"))).text();
  return text.trimEnd().split("\n");
}
