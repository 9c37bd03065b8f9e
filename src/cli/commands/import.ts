// `slonn import`: writes a trained network of another format as .slonn.

import { refusal } from "../../errors.ts";
import { quantizeModel } from "../../model/quantize.ts";
import { encodeModel } from "../../model/slonn-file.ts";
import { asTwoClasses } from "../../model/two-classes.ts";
import { decodeLadder } from "../../profile/decode-ladder.ts";
import { quoted } from "../../quoted.ts";
import { activationsFlag, type Command } from "../command.ts";
import { oneLine } from "../io.ts";
import { loadModelFile } from "../model-file.ts";
import { widthsText } from "../model-text.ts";
import { checkPlace, writeBytes } from "../write-bytes.ts";

export const importCommand: Command = {
  name: "import",
  file: "<model.onnx | model.json | weights.safetensors | model.h5>",
  about: "Reads a trained network and writes it as .slonn.",
  flags: {
    output: { value: "<out.slonn>", short: "o", needed: true, about: "where to write it" },
    weights: { value: "<type>", about: "int8 keeps weights in eight bits with a scale per node; as in the file unless given" },
    binary: { about: "a binary classifier of one output (sigmoid or logit) is written with two, class 0 and class 1" },
    ...activationsFlag,
  },
  async run(args, io) {
    const output = args.required("output");
    const weights = args.text("weights");
    if (weights !== undefined && weights !== "int8") throw refusal("bad-option", "--weights", quoted(weights), "int8");
    await checkPlace(output);
    const read = await loadModelFile(args);
    decodeLadder(read); // nothing is written unchecked, which includes the levels of a .slonn
    const network = args.has("binary") ? asTwoClasses(read) : read;
    const model = weights === "int8" ? quantizeModel(network) : network;
    const bytes = encodeModel(model);
    await writeBytes(output, bytes);
    const dropped = read.calibration && !model.calibration ? "; its levels are left out, as they are about the weights before" : "";
    const activations = model.layers.map(({ activation }) => activation).join(", "); // so that those assumed are seen
    io.stdout(`${oneLine(output)}: ${widthsText(model)} (${activations}), ${bytes.length} bytes${dropped}\n`);
  },
};
