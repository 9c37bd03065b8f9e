// Requests to answers, in any runtime with Request and Response: a page to try at /, tags at /tag, what is loaded at /status. Errors are
// JSON, `{ error: { code, message } }`. Where the model comes from is the caller's business.

import { SlonnError } from "slonn";
import { page } from "./page.ts";
import type { Tagger } from "./tagger.ts";

/** Multiply-adds a millisecond, counted low: code that the runtime has just compiled runs at a quarter of its later speed. */
const operationsPerMs = 250_000;

/** What an answer may take: half of the processor time that the platform allows a request; the rest is for reading and writing it. */
export function budgetOf(cpuMs: number): number {
  const budget = Math.ceil((cpuMs / 2) * operationsPerMs);
  if (!(budget > 0 && Number.isFinite(budget))) throw new Error(`CPU_MS: got ${cpuMs}, expected a finite number of milliseconds above 0`);
  return budget;
}

const longestText = 2_000;
const longestBody = 4 * longestText;
const mostTags = 20;
const megabyte = 1 << 20;
/** Bytes that are read and dropped behind a body that is too long: proxies lose an answer that comes while the question is still on its way. */
const mostDropped = megabyte;
/** Of an isolate of Cloudflare's. */
const memoryLimit = 128 * megabyte;

class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** @param load loads the model when the first request needs it, and again where that failed */
export function createHandler(load: () => Promise<Tagger>): (request: Request) => Promise<Response> {
  let loading: Promise<Tagger> | null = null;
  const tagger = (): Promise<Tagger> => {
    loading ??= load().catch((error) => {
      loading = null;
      throw error;
    });
    return loading;
  };

  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const allowed = routes[pathname];
    if (!allowed) throw new Refusal(404, "not-found", `path: got ${pathname}, expected /, /tag or /status`);
    if (!allowed.includes(request.method))
      throw new Refusal(405, "method", `method: got ${request.method} ${pathname}, expected ${allowed.join(" or ")}`, {
        allow: allowed.join(", "),
      });
    if (pathname === "/") return page();
    if (pathname === "/status") return Response.json(statusOf(await tagger()));
    const { text, top } = await questionOf(request);
    const tags = (await tagger()).tag(text, top);
    if (!tags) throw new Refusal(422, "no-known-word", `text: got no word of the vocabulary in ${JSON.stringify(text.slice(0, 80))}`);
    return Response.json(tags);
  };

  return async (request) => {
    const response = await answer(request).catch(refuse);
    response.headers.set("x-content-type-options", "nosniff"); // errors quote what was sent
    return request.method === "HEAD" ? new Response(null, response) : response;
  };
}

const routes: Record<string, string[] | undefined> = { "/": ["GET", "HEAD"], "/status": ["GET", "HEAD"], "/tag": ["GET", "HEAD", "POST"] };

/** `/tag?text=…&top=5`, or the same as a JSON body. */
async function questionOf(request: Request): Promise<{ text: string; top: number }> {
  const { searchParams } = new URL(request.url);
  let asked: Record<string, unknown> = { text: searchParams.get("text") ?? undefined };
  const wanted = searchParams.get("top");
  if (wanted !== null) asked.top = /^\d+$/.test(wanted) ? Number(wanted) : wanted;
  if (request.method === "POST") {
    const body = await textOf(request);
    try {
      asked = JSON.parse(body);
    } catch {
      throw new Refusal(400, "bad-json", `body: got ${JSON.stringify(body.slice(0, 40))}, expected JSON such as {"text":"a small cat"}`);
    }
  }
  if (typeof asked !== "object" || asked === null) throw new Refusal(400, "bad-json", `body: got ${asked}, expected an object`);
  const { text = "", top = 5 } = asked;
  if (typeof text !== "string" || text.trim() === "")
    throw new Refusal(400, "bad-input", `text: got ${typeof text === "string" ? "nothing" : typeof text}, expected some words`);
  if (text.length > longestText) throw new Refusal(413, "too-long", `text: got ${text.length} characters, expected at most ${longestText}`);
  if (typeof top !== "number" || !Number.isInteger(top) || top < 1 || top > mostTags)
    throw new Refusal(400, "bad-input", `top: got ${JSON.stringify(top)}, expected a whole number from 1 to ${mostTags}`);
  return { text, top };
}

/** The body, kept no further than it may be long: an isolate has little memory. */
async function textOf({ body }: Request): Promise<string> {
  if (!body) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decoded = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch {
      throw new Refusal(400, "bad-json", "body: got bytes that are no UTF-8, expected JSON, which is");
    }
  };
  let text = "";
  let dropped = 0;
  try {
    for (let piece = await reader.read(); !piece.done && dropped < mostDropped; piece = await reader.read()) {
      if (text.length <= longestBody) text += decoded(piece.value);
      else dropped += piece.value.length;
    }
    if (text.length > longestBody)
      throw new Refusal(413, "too-long", `body: got more than ${longestBody} characters, expected at most that`);
    return text + decoded();
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error instanceof Refusal ? error : new Refusal(400, "cut-off", `body: got ${String(error)}, expected all of it`);
  }
}

function statusOf({ session: { backend, backendReason, memoryBytes, levels } }: Tagger): object {
  return { backend, reason: backendReason, levels: levels.length, memory: { bytes: memoryBytes, limit: memoryLimit } };
}

function refuse(error: unknown): Response {
  const [status, code] = error instanceof Refusal ? [error.status, error.code] : [500, error instanceof SlonnError ? error.code : "failed"];
  const message = error instanceof Error ? error.message : String(error);
  if (status === 500) console.error(message);
  return Response.json({ error: { code, message } }, { status, headers: error instanceof Refusal ? error.headers : {} });
}
