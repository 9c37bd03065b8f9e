// Starting a Worker in whatever way the runtime has, and hearing from it in one way. It knows nothing of what is said.

import { messageOf, SlonnError } from "../errors.ts";
import { show } from "../quoted.ts";
import { builtin } from "./builtin.ts";

/** A Worker of the web, of Node's `worker_threads`, or whatever posts messages like one. */
export interface WorkerLike {
  /** As `Worker.postMessage`. */
  // biome-ignore lint/suspicious/noExplicitAny: every runtime has a type of its own for what can be transferred
  postMessage(message: unknown, transfer?: any): void;
  /** Ends it. */
  terminate(): unknown;
  /** As `Worker.addEventListener`, where it is like one of the web. */
  // biome-ignore lint/suspicious/noExplicitAny: every runtime has a type of its own for what is heard
  addEventListener?(type: string, listener: any): void;
  /** As `Worker.on` in Node, where it is like one of those. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  on?(type: string, listener: any): unknown;
}

/** A Worker, how to make one, or the URL of its program; a string may be a path in Node. */
export type WorkerSource = WorkerLike | (() => WorkerLike | Promise<WorkerLike>) | URL | string;

/**
 * What `open` makes of the Worker asked for, or of one of this package's own program beside this file. It is called at once, for it to listen:
 * a program that cannot be loaded may be told of within microtasks, and Deno ends where nobody listens.
 * @throws SlonnError `worker` when the runtime has none or refuses
 */
export async function startWorker<Opened>(source: WorkerSource | undefined, open: (worker: WorkerLike) => Opened): Promise<Opened> {
  try {
    if (typeof source === "string" || source instanceof URL) return open(create(source));
    const made = typeof source === "function" ? source() : (source ?? createOwn());
    const worker = (typeof (made as Partial<Promise<unknown>> | undefined)?.then === "function" ? await made : made) as WorkerLike;
    const needed = [worker?.postMessage, worker?.terminate, worker?.addEventListener ?? worker?.on];
    if (needed.some((method) => typeof method !== "function")) throw new Error(`got ${show(worker)}`);
    // Node's mark of a Worker that has ended: it would never answer, nor end again
    if ((worker as { threadId?: number }).threadId === -1) throw new Error("got one that has ended");
    return open(worker);
  } catch (cause) {
    throw cannotStart(messageOf(cause), cause);
  }
}

function createOwn(): WorkerLike {
  // written out, so that bundlers find the program
  if (typeof Worker === "function") return new Worker(new URL("../worker-thread.js", import.meta.url), { type: "module" });
  const here = import.meta.url;
  return create(new URL("../worker-thread.js", here));
}

function create(program: URL | string): WorkerLike {
  if (typeof Worker === "function") return new Worker(program, { type: "module" });
  const threads = builtin<{ Worker: new (program: URL | string, options: object) => WorkerLike }>("node:worker_threads");
  if (!threads) throw new Error("this runtime has no Worker");
  // Node takes a file: URL for a path where it is text, as `import.meta.resolve` gives it
  const url = typeof program === "string" && /^file:/i.test(program) ? new URL(program) : program;
  // of a program that was given as text (--eval) a Worker takes flags over that no file may have
  const flags = builtin<{ execArgv: string[] }>("node:process")?.execArgv ?? [];
  return new threads.Worker(url, flags.some((flag) => flag.startsWith("--input-type")) ? { execArgv: [] } : {});
}

export interface Listener {
  message(data: unknown): void;
  /** The Worker could not be loaded, threw, or ended. */
  failure(why: string): void;
}

export function listen(worker: WorkerLike, { message, failure }: Listener): void {
  if (worker.addEventListener) {
    const on = worker.addEventListener.bind(worker) as (type: string, listener: (event: Event) => void) => void;
    on("message", (event) => message((event as MessageEvent).data));
    on("messageerror", () => failure("a message could not be read"));
    on("error", (event) => {
      event.preventDefault(); // heard here; Deno would end the whole program otherwise
      const { message: text } = event as ErrorEvent;
      // Bun's text has the program's lines before what was thrown, down to a caret, and the stack after it
      failure(/\^\n(.+)/.exec(text)?.[1] ?? (text || "its program could not be loaded"));
    });
    on("close", () => failure("it ended"));
    return;
  }
  const on = worker.on?.bind(worker) as (type: string, listener: (value: unknown) => void) => void;
  on("message", message);
  on("messageerror", () => failure("a message could not be read"));
  on("error", (error) => failure(messageOf(error)));
  on("exit", (code) => failure(`it ended with exit code ${code}`));
}

/** @param why as the runtime says it */
export function cannotStart(why: string, cause?: unknown): SlonnError {
  return new SlonnError("worker", `worker: could not be started (${why}); expected a Worker whose program imports slonn/worker-thread`, {
    cause,
  });
}
