// The side of a worker session that runs in the Worker: one model, one session, queries one after the other. It knows messages and a
// port to answer through, not what a Worker is.
//
// A run that may be stopped pauses between layers, at most once in `sliceMs`, so that a `stop` which has arrived meanwhile is
// heard; other runs pause nowhere.
//
// A message that comes while a query runs is delivered after it, and how long it has waited counts against its deadline. Its sender wrote the
// time by another clock, whose origin is unknown here. So only differences count: the message that seems to have been on its way for the
// shortest time has not waited, and every other has waited for as much as it took longer.

import { type Clock, systemClock } from "../clock.ts";
import { aborted, refusal } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { dropped } from "../session/output.ts";
import type { PausableSession } from "../session/pausable-session.ts";
import { createSession } from "../session/session.ts";
import { loadModel } from "./load-model.ts";
import type { Source } from "./read-source.ts";
import { errorReply, type MeasureQuestion, type Question, type Reply, type RunQuestion } from "./worker-messages.ts";

export interface ThreadPort {
  post(reply: Reply, transfer: Transferable[]): void;
  /** Resolves once what has arrived is delivered. */
  turn(): Promise<void>;
}

type Arrived<Asked> = Asked & { arrivedMs: number };
type Run = Arrived<RunQuestion>;
type Waiting = Run | Arrived<MeasureQuestion>;

const sliceMs = 1;

/** @returns what takes every message */
export function createThread({ post, turn }: ThreadPort, clock: Clock = systemClock): (question: Question) => void {
  let isTaken = false;
  let session: PausableSession | null = null;
  const waiting: Waiting[] = [];
  let running: Waiting | null = null;
  let isStopped = false;
  /** The least difference between this thread's clock and a question's time: how far the clocks are apart, plus what a quick message takes. */
  let quickestMs = Number.POSITIVE_INFINITY;

  const open = async ({ id, source, options, progress }: Question & { kind: "open" }): Promise<void> => {
    // the first session would be answered by the second one's model
    if (isTaken) throw refusal("worker", "worker", "a second model", "a Worker of its own for every session");
    isTaken = true;
    const onProgress = (loadedBytes: number, totalBytes: number | null): void =>
      post({ kind: "progress", id, loadedBytes, totalBytes }, []);
    const model = isModel(source) ? source : await loadModel(source, progress ? { stream: true, onProgress } : { stream: true });
    session = (await createSession(model, options)) as PausableSession;
    const { backend, backendReason, levels, memoryBytes } = session;
    const { outputs, activation } = model.layers[model.layers.length - 1];
    const missing = dropped(activation);
    post({ kind: "opened", id, opened: { backend, backendReason, levels, memoryBytes }, outputs, missing }, []);
  };

  /** The session, once there is one. */
  const opened = (): PausableSession => {
    if (session === null) throw refusal("worker", "worker", "a query before its model", "the model first");
    return session;
  };

  const answer = (id: number, { output: { indices, scores }, report }: ReturnType<PausableSession["run"]>): void => {
    const arrays = indices ? [indices, scores] : [scores];
    post(
      { kind: "answer", id, indices, scores, report },
      arrays.map(({ buffer }) => buffer as ArrayBuffer),
    );
  };

  /** When it was asked, by the clock here. */
  const arrivalOf = ({ askedMs }: RunQuestion | MeasureQuestion): number => {
    const nowMs = clock.now();
    if (askedMs === undefined || !Number.isFinite(nowMs - askedMs)) return nowMs;
    quickestMs = Math.min(quickestMs, nowMs - askedMs);
    return askedMs + quickestMs;
  };
  /** Time in the line of this thread counts as well. */
  const waited = ({ waitedMs = 0, arrivedMs }: Run): number => waitedMs + Math.max(0, clock.now() - arrivedMs);

  const runInPieces = async (to: PausableSession, run: Run): Promise<void> => {
    const { id, input, slo, reservedMs } = run;
    let pieces: ReturnType<PausableSession["pieces"]> | null = null;
    let since = 0;
    for (;;) {
      // before the first layer too: the stop may have come already
      await turn();
      if (isStopped) throw aborted();
      since = clock.now();
      pieces ??= to.pieces(input, slo, () => clock.now() - since >= sliceMs, waited(run), reservedMs);
      const { done, value } = pieces.next();
      if (done) return answer(id, value);
    }
  };

  const drain = async (): Promise<void> => {
    for (running = waiting.shift() ?? null; running; running = waiting.shift() ?? null) {
      isStopped = false;
      const { id } = running;
      try {
        const to = opened();
        if (running.kind === "measure") post({ kind: "measured", id, profile: to.measureLatency(running.inputs) }, []);
        else if (running.stoppable) await runInPieces(to, running);
        else answer(id, to.run(running.input, running.slo, waited(running), running.reservedMs));
      } catch (error) {
        post(errorReply(id, error), []);
      }
    }
  };

  const stop = (id: number): void => {
    const at = waiting.findIndex((run) => run.id === id);
    if (at >= 0) {
      waiting.splice(at, 1);
      post(errorReply(id, aborted()), []);
    } else if (running?.id === id) isStopped = true;
  };

  /** Tells at once, also while a run pauses. */
  const tellLoad = (id: number): void => {
    try {
      post({ kind: "load", id, load: opened().load() }, []);
    } catch (error) {
      post(errorReply(id, error), []);
    }
  };

  return (question) => {
    if (question.kind === "open") open(question).catch((error) => post(errorReply(question.id, error), []));
    else if (question.kind === "stop") stop(question.id);
    else if (question.kind === "load") tellLoad(question.id);
    else {
      // measuring too: what waits behind it would else seem to come from an early clock
      waiting.push({ ...question, arrivedMs: arrivalOf(question) });
      if (running === null) void drain();
    }
  };
}

function isModel(source: Source | Model): source is Model {
  return typeof source === "object" && "layers" in source;
}
