// Starting and hearing Workers of every runtime's kind, made up here. Real ones: worker-session.test.ts and test/runtimes.

import { EventEmitter } from "node:events";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Listener, listen, startWorker, type WorkerLike, type WorkerSource } from "../../src/adapters/start-worker.ts";

afterEach(() => vi.unstubAllGlobals());

/** What is heard of a Worker, in order. */
function hearing(worker: object): unknown[] {
  const heard: unknown[] = [];
  const listener: Listener = { message: (data) => heard.push(data), failure: (why) => heard.push(why) };
  listen(worker as WorkerLike, listener);
  return heard;
}

describe("hears", () => {
  test("a Worker of the web: messages, and each way it can end", () => {
    const worker = new EventTarget();
    const heard = hearing(worker);
    worker.dispatchEvent(new MessageEvent("message", { data: { id: 1 } }));
    worker.dispatchEvent(new MessageEvent("messageerror"));
    const error = Object.assign(new Event("error", { cancelable: true }), { message: "broken" });
    worker.dispatchEvent(error);
    worker.dispatchEvent(new Event("error"));
    worker.dispatchEvent(new Event("close"));
    expect(heard).toEqual([{ id: 1 }, "a message could not be read", "broken", "its program could not be loaded", "it ended"]);
    expect(error.defaultPrevented).toBe(true); // else Deno ends the whole program
  });

  test("what was thrown, without the lines of its program that Bun tells with it", () => {
    const worker = new EventTarget();
    const heard = hearing(worker);
    const message = "1 | let a;\n2 | throw new Error('broken');\n              ^\nerror: broken\n      at /a.js:2:11\n";
    worker.dispatchEvent(Object.assign(new Event("error"), { message }));
    expect(heard).toEqual(["error: broken"]);
  });

  test("a Worker of Node: the same", () => {
    const worker = new EventEmitter();
    const heard = hearing(worker);
    worker.emit("message", { id: 1 });
    worker.emit("messageerror", new Error("odd"));
    worker.emit("error", new Error("broken"));
    worker.emit("exit", 3);
    expect(heard).toEqual([{ id: 1 }, "a message could not be read", "broken", "it ended with exit code 3"]);
  });

  test("a Worker of both kinds once", () => {
    const emitter = new EventEmitter();
    const worker = Object.assign(new EventTarget(), { on: emitter.on.bind(emitter) });
    const heard = hearing(worker);
    worker.dispatchEvent(new MessageEvent("message", { data: 1 }));
    emitter.emit("message", 1);
    expect(heard).toEqual([1]);
  });
});

describe("starts", () => {
  const started = (source: WorkerSource | undefined): Promise<WorkerLike> => startWorker(source, (worker) => worker);

  class WebWorker extends EventTarget {
    readonly made: unknown[];
    constructor(...made: unknown[]) {
      super();
      this.made = made;
    }
    postMessage(): void {}
    terminate(): void {}
  }

  test("this package's own program as a module, and any other", async () => {
    vi.stubGlobal("Worker", WebWorker);
    const own = (await started(undefined)) as WorkerLike & WebWorker;
    expect(own.made).toEqual([expect.objectContaining({ href: expect.stringMatching(/worker-thread\.js$/) }), { type: "module" }]);
    const other = (await started("/mine.js")) as WorkerLike & WebWorker;
    expect(other.made).toEqual(["/mine.js", { type: "module" }]);
  });

  test("and is listened to at once, as what is wrong may be told within microtasks", async () => {
    class Broken extends WebWorker {
      constructor() {
        super();
        queueMicrotask(() => this.dispatchEvent(Object.assign(new Event("error"), { message: "no such program" })));
      }
    }
    vi.stubGlobal("Worker", Broken);
    for (const source of [undefined, "/mine.js", () => new Broken()]) {
      const heard = await startWorker(source, hearing);
      await Promise.resolve();
      expect(heard).toEqual(["no such program"]);
    }
  });

  test("nothing where the runtime has no Worker", async () => {
    vi.stubGlobal("process", {});
    await expect(started(undefined)).rejects.toMatchObject({ code: "worker", message: expect.stringContaining("has no Worker") });
  });

  test("nothing in place of what cannot be asked, ended or heard", async () => {
    const [postMessage, terminate, on] = [() => {}, () => {}, () => {}];
    for (const worker of [
      { terminate, on },
      { postMessage, on },
      { postMessage, terminate },
    ])
      for (const source of [worker, () => worker, async () => worker])
        await expect(started(source as WorkerLike)).rejects.toMatchObject({
          code: "worker",
          message: expect.stringMatching(/^[^\n]+$/),
        });
    const whole = { postMessage, terminate, on, threadId: 1 };
    expect(await started(whole)).toBe(whole);
    // a function may hand out one that was made before, or wait for something else while its Worker ends
    const ended = { ...whole, threadId: -1 };
    for (const source of [ended, () => ended, async () => ended])
      await expect(started(source)).rejects.toMatchObject({ code: "worker", message: expect.stringContaining("has ended") });
  });
});
