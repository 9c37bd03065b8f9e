// The door `slonn/worker-thread`: the program of a worker session's Worker. Importing it in a Worker is all it takes; anywhere else it
// throws.

import { builtin } from "./adapters/builtin.ts";
import { createThread } from "./adapters/thread.ts";
import type { Question } from "./adapters/worker-messages.ts";
import { refusal } from "./errors.ts";
import { nextTurn } from "./next-turn.ts";

interface WorkerScope {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", listen: (event: MessageEvent<Question>) => void): void;
}

interface ParentPort {
  postMessage(message: unknown, transfer: readonly Transferable[]): void;
  on(type: "message", listen: (message: Question) => void): void;
}

const { document, postMessage } = globalThis as { document?: unknown; postMessage?: unknown };

if (typeof postMessage === "function" && document === undefined) {
  const scope = globalThis as unknown as WorkerScope;
  const receive = createThread({ post: (reply, transfer) => scope.postMessage(reply, transfer), turn: nextTurn });
  scope.addEventListener("message", ({ data }) => receive(data));
} else {
  const parent = builtin<{ parentPort: ParentPort | null }>("node:worker_threads")?.parentPort;
  if (!parent) throw refusal("worker", "slonn/worker-thread", "imported outside a Worker", "to be a Worker's program");
  parent.on("message", createThread({ post: (reply, transfer) => parent.postMessage(reply, transfer), turn: nextTurn }));
}
