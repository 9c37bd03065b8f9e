// Who competes on one network: ours at dense, exact and every objective, the hash baseline, plain loops, and the peers.

import { widenModel } from "../../examples/widen-model.ts";
import { calibrate } from "../../src/calibrate/calibrate.ts";
import type { HashShape } from "../../src/calibrate/fit-hash.ts";
import type { Contender } from "../../src/cli/measure.ts";
import { depth } from "../../src/cli/metric.ts";
import { createModel, type Model } from "../../src/model/model.ts";
import { firstLabelled, rowOf } from "../../src/model/rows.ts";
import { parseSlo } from "../../src/policy/slo.ts";
import { createOutput } from "../../src/session/output.ts";
import { createSession, type Session } from "../../src/session/session.ts";
import { type BestContender, bestContender } from "../best-contender.ts";
import { peerContender } from "../peers/peer-contender.ts";
import { createPeers, firstInputs, int8PeerNames, type Peer, peerNames } from "../peers/peers.ts";
import { createPlain } from "../peers/plain.ts";
import { race } from "../race.ts";
import { median } from "../statistics.ts";
import { type ContenderResult, hashByWorkName, hashName, plainName } from "./evaluation.ts";
import type { Subject } from "./network.ts";
import { choosingRows, type Size } from "./sizes.ts";

export interface Competitor {
  contender: Contender;
  kind: ContenderResult["kind"];
  form: string | null;
  /** Ours and those made of our parts tell what they spend. */
  workOf: BestContender["workOf"] | null;
}

export interface Field {
  /** Dense first. */
  competitors: readonly Competitor[];
  /** The session behind ours. */
  session: Session;
  peers: readonly Peer[];
  dispose(): Promise<void>;
}

/** What the hash baseline is asked and calibrated for, and the looser promise that the shape of its tables is chosen by, which fewer rows can certify. */
export interface HashPromises {
  confidence: number;
  kept: { slo: string; maxLoss: number };
  choosing: { slo: string; maxLoss: number };
}

/** @param model calibrated; @param slos as on the command line */
export async function gather(
  subject: Subject,
  model: Model,
  slos: readonly string[],
  promises: HashPromises,
  size: Size,
  log: (line: string) => void,
): Promise<Field> {
  const { layers } = subject.model;
  const k = Math.min(depth, layers[layers.length - 1].outputs);
  const session = await createSession(model);
  const ours = ["dense", "exact", ...slos].map((slo) => competitor(bestContender(session, slo, k), "ours", null));
  const sessions = [session];
  const baselines: Competitor[] = [];
  for (const { name, session: hashed, form } of await hashTables(subject, promises, size.hashShapes)) {
    sessions.push(hashed);
    baselines.push(competitor({ ...bestContender(hashed, promises.kept.slo, k), name }, "baseline", form));
  }
  if (layers.some(({ weight }) => !(weight instanceof Float32Array))) {
    // eight bits make dense faster too: what they gain is not what leaving out gains
    const inFloats = await createSession(widenModel(model));
    baselines.push(competitor({ ...bestContender(inFloats, "dense", k), name: "dense in floats" }, "baseline", null));
    sessions.push(inFloats);
  }
  const plain: Competitor = {
    contender: plainContender(subject.model),
    kind: "baseline",
    form: "plain loops, zero inputs of every layer skipped",
    workOf: null,
  };
  const peers = size.peers ? await peersOf(subject, log) : [];
  const width = layers[0].inputs;
  return {
    competitors: [
      ...ours,
      ...baselines,
      plain,
      ...peers.map(
        (peer): Competitor => ({
          contender: peerContender(peer, width),
          kind: int8PeerNames.includes(peer.name) ? "peer in eight bits" : "peer",
          form: `${peer.version}, ${peer.form}`,
          workOf: null,
        }),
      ),
    ],
    session,
    peers,
    async dispose() {
      for (const one of sessions) one.dispose();
      for (const peer of peers) await peer.dispose();
    },
  };
}

function competitor(contender: BestContender, kind: ContenderResult["kind"], form: string | null): Competitor {
  return { contender, kind, form, workOf: contender.workOf };
}

function plainContender(model: Model): Contender {
  const network = createPlain(model);
  let last = new Float32Array(0);
  const best = (k: number): number[] =>
    createOutput(last)
      .top(k)
      .map(({ index }) => index);
  return {
    name: plainName,
    run(input) {
      last = network.run(input) as typeof last;
    },
    top: () => best(1)[0],
    best,
  };
}

/** Peers choose their graph by held-out rows. */
function peersOf({ model, heldOut }: Subject, log: (line: string) => void): Promise<Peer[]> {
  return createPeers(model, firstInputs(heldOut.rows), log, [...peerNames, ...int8PeerNames]);
}

interface Hashed {
  name: string;
  session: Session;
  form: string;
}

/** The baseline searched by measured time, as ours is; where that runs exact, also the one searched by multiply-adds, if that leaves anything out. */
async function hashTables(subject: Subject, promises: HashPromises, shapes: readonly HashShape[]): Promise<Hashed[]> {
  const leavesOut = (session: Session): boolean => {
    const { level } = session.run(rowOf(subject.heldOut.rows, 0), parseSlo(promises.kept.slo)).report.plan;
    return session.levels[level].rungs.some(({ layers }) => layers.some(({ kind }) => kind === "ranked"));
  };
  const byTime = { name: hashName, ...(await bestHash(subject, promises, shapes, "time")) };
  if (leavesOut(byTime.session)) return [byTime];
  const byWork = { name: hashByWorkName, ...(await bestHash(subject, promises, shapes, "macs")) };
  if (leavesOut(byWork.session)) return [byTime, byWork];
  byWork.session.dispose();
  return [byTime];
}

/** Tuned as ours is: the same search, levels that grow and certificates, with the shape of its tables that was fastest on fewer rows. */
async function bestHash(
  { model, fit, heldOut }: Subject,
  { confidence, kept, choosing }: HashPromises,
  shapes: readonly HashShape[],
  cost: "time" | "macs",
): Promise<Omit<Hashed, "name">> {
  const base = createModel(model.name, model.layers);
  const tuned = async (hashShape: HashShape, { maxLoss }: { maxLoss: number }, most: number): Promise<Session> => {
    const options = { ...firstLabelled(heldOut, most), fitRows: fit, maxLoss, confidence, activators: ["hash"] as const, hashShape, cost };
    return createSession(await calibrate(base, options));
  };
  const formOf = ({ tables, bits }: HashShape): string => `${tables} tables of ${bits} bits`;
  const tried: Session[] = [];
  for (const shape of shapes) tried.push(await tuned(shape, choosing, choosingRows));
  const trial = firstLabelled(heldOut, 1000);
  const contenders = tried.map((session, s) => ({ ...bestContender(session, choosing.slo, 1), name: formOf(shapes[s]) }));
  const { measured } = await race(contenders, trial.rows);
  const medians = measured.map(({ timesMs }) => median(timesMs));
  const best = shapes[medians.indexOf(Math.min(...medians))];
  for (const session of tried) session.dispose();
  return { session: await tuned(best, kept, heldOut.rows.count), form: formOf(best) };
}
