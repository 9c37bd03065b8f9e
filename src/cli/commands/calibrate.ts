// `slonn calibrate`: finds and certifies the levels of a model from data, and writes the model with them.

import { type ActivatorKind, calibrate } from "../../calibrate/calibrate.ts";
import { refusal } from "../../errors.ts";
import { encodeModel } from "../../model/slonn-file.ts";
import { decodeLadder } from "../../profile/decode-ladder.ts";
import { metrics } from "../../profile/ladder.ts";
import { quoted } from "../../quoted.ts";
import { activationsFlag, type Command, dataFlags } from "../command.ts";
import { readInputs } from "../data/data.ts";
import { oneLine, progressOn } from "../io.ts";
import { parseMetric } from "../metric.ts";
import { dataFiles, readModelData } from "../model-data.ts";
import { loadModelFile } from "../model-file.ts";
import { ladderText } from "../model-text.ts";
import { checkPlace, writeBytes } from "../write-bytes.ts";

export const calibrateCommand: Command = {
  name: "calibrate",
  file: "<model>",
  about: "Fits activators, chooses levels and certifies them on data that was not used to train the network.",
  flags: {
    ...dataFlags,
    output: { value: "<out.slonn>", short: "o", needed: true, about: "where to write the calibrated model" },
    "fit-data": { value: "<inputs>", about: "extra rows that may only fit activators, never certify (training rows may go here)" },
    "max-loss": {
      value: "<share>",
      about: "the promise: at most this share lost against dense (without labels: of answers changed); 0.003 unless given",
    },
    confidence: { value: "<share>", about: "how sure a certificate is; 0.95 unless given" },
    metric: {
      value: "<metric>",
      about: `what the promise is about: ${metrics.join(", ")}; accuracy or precision@1 beside labels, else agreement, unless given`,
    },
    activators: {
      value: "<names>",
      about: "which to try, joined by commas: low-rank, static, all, screen, clusters, hash; every one but hash unless given",
    },
    weights: {
      value: "<type>",
      about:
        "int8 brings weights to eight bits, auto where that answers faster under the promise, which counts what rounding loses; as in the file unless given",
    },
    seed: { value: "<number>", about: "of all randomness; 1 unless given" },
    cost: {
      value: "<kind>",
      about: "what levels are searched by: time on this machine, or macs, with which the same seed gives the same file; time unless given",
    },
    ...activationsFlag,
  },
  async run(args, io) {
    const output = args.required("output");
    const maxLoss = args.share("max-loss", 0.003);
    const confidence = args.share("confidence", 0.95);
    const seed = args.number("seed", 1);
    const scale = args.number("scale", 1);
    const activators = args.names("activators") as ActivatorKind[] | undefined;
    const asked = args.text("metric");
    const metric = asked === undefined ? undefined : parseMetric(asked);
    const weights = args.text("weights");
    if (weights !== undefined && weights !== "int8" && weights !== "auto")
      throw refusal("bad-option", "--weights", quoted(weights), "int8 or auto");
    const cost = args.text("cost") ?? "time";
    if (cost !== "time" && cost !== "macs") throw refusal("bad-option", "--cost", quoted(cost), "time or macs");
    args.required("data");
    await checkPlace(output, dataFiles(args));
    const model = await loadModelFile(args);
    const { rows, labels } = await readModelData(args, model);
    const fitPath = args.text("fit-data");
    const fitRows = fitPath === undefined ? null : await readInputs(fitPath, { scale, width: model.layers[0].inputs });
    const progress = progressOn(io);
    try {
      const calibrated = await calibrate(model, {
        rows,
        labels,
        fitRows,
        maxLoss,
        confidence,
        activators,
        metric,
        weights,
        seed,
        cost,
        clock: io.clock,
        signal: io.signal,
        onProgress: progress.show,
      });
      progress.end();
      const bytes = encodeModel(calibrated);
      await writeBytes(output, bytes);
      const ladder = decodeLadder(calibrated);
      io.stdout(`${oneLine(output)}: ${bytes.length} bytes\n${ladder ? ladderText(ladder) : ""}`);
    } finally {
      progress.end();
    }
  },
};
