// An output layer as wide as the widest public data sets' beside the peers: ours in eight bits, dense and certified by agreement with
// dense, theirs in floats and in eight bits. The layer is made up, so its speed is real and its answers mean nothing. Screens alone are
// calibrated: fitting clusters to so many labels takes minutes (`npm run bench:wide -- --network synthetic --peers` does).

import { syntheticHead } from "../../examples/synthetic-head.ts";
import { calibrate } from "../../src/calibrate/calibrate.ts";
import { latencyOf } from "../../src/cli/measure.ts";
import { depth } from "../../src/cli/metric.ts";
import { boundText } from "../../src/cli/results.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import { createSession } from "../../src/session/session.ts";
import { bestContender } from "../best-contender.ts";
import { peerContender } from "../peers/peer-contender.ts";
import { createPeers, firstInputs, int8PeerNames, peerNames } from "../peers/peers.ts";
import { race } from "../race.ts";
import type { Circumstances, WideHeadPart } from "./evaluation.ts";
import { ratiosOf } from "./ratios.ts";
import type { Size } from "./sizes.ts";

/** What calibration promises of ours. */
const promisedAgreement = "agreement=0.99";
const [fitRows, heldOutRows] = [2000, 1500];
/** A query reads so much that few bring all of it back into the caches. */
const turns = { blockSize: 25, settle: 10 };
/** Inputs that peers choose their graph by. */
const choosingInputs = 50;

export async function raceWideHead(
  { labels, queries }: NonNullable<Size["head"]>,
  withPeers: boolean,
  log: (line: string) => void,
): Promise<Omit<WideHeadPart, keyof Circumstances>> {
  const { model, queries: draw } = syntheticHead({ labels });
  const eight = quantizeModel(model);
  const heldOut = draw(heldOutRows, 3);
  log(`head of ${labels} labels: calibrating`);
  const calibrated = await calibrate(eight, { rows: heldOut.rows, fitRows: draw(fitRows, 2).rows, maxLoss: 0.01, activators: ["screen"] });
  const session = await createSession(calibrated);
  const inFloats = await createSession(model);
  const { rows } = draw(queries, 4);
  const inputs = firstInputs(rows, choosingInputs);
  const peers = withPeers ? await createPeers(model, inputs, log, [...peerNames, ...int8PeerNames]) : [];
  const ours = [
    bestContender(session, "dense", depth),
    { ...bestContender(inFloats, "dense", depth), name: "dense in floats" },
    ...["exact", promisedAgreement].map((slo) => bestContender(session, slo, depth)),
  ];
  const works = ours.map(({ workOf }) => workOf(inputs));
  const all = [...ours, ...peers.map((peer) => peerContender(peer, rows.width))];
  log(`head of ${labels} labels: ${all.length} contenders, ${queries} queries each, twice`);
  const [first, second] = [await race(all, rows, { queries, ...turns }), await race(all, rows, { queries, ...turns })];
  session.dispose();
  inFloats.dispose();
  for (const peer of peers) await peer.dispose();
  const forms = [...ours.map(() => null), ...peers.map(({ version, form }) => `${version}, ${form}`)];
  const others = all.map(({ name }) => name).filter((name) => name !== promisedAgreement);
  return {
    labels,
    inputs: rows.width,
    queries,
    contenders: first.measured.map(({ name, agreement, timesMs }, c) => {
      const certificate = works[c]?.plan.certificate;
      return {
        name,
        form: forms[c],
        agreement,
        latencyMs: latencyOf(timesMs),
        macs: c < works.length ? works[c].macs / works[0].macs : null,
        certified: certificate ? `${certificate.kind} ${boundText(certificate.kind, certificate.bound)}` : null,
      };
    }),
    ratios: ratiosOf(
      others.map((name) => [name, promisedAgreement]),
      first,
      second,
    ),
  };
}
