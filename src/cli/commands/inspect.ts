// `slonn inspect`: shows what a model file holds: layers, sizes, multiply-adds, and levels with their certificates and costs.

import { denseMacs } from "../../model/model.ts";
import { decodeLadder } from "../../profile/decode-ladder.ts";
import { activationsFlag, type Command, jsonFlag } from "../command.ts";
import { loadModelFile } from "../model-file.ts";
import { ladderText, layersText, parameters } from "../model-text.ts";

export const inspectCommand: Command = {
  name: "inspect",
  file: "<model>",
  about: "Prints the layers of a model and, where it is calibrated, its levels.",
  flags: { ...jsonFlag, ...activationsFlag },
  async run(args, io) {
    const model = await loadModelFile(args);
    const ladder = decodeLadder(model);
    if (!args.has("json")) {
      io.stdout(
        layersText(model) +
          (ladder ? `\n${ladderText(ladder)}` : "not calibrated: queries run dense, or exact where the objective allows\n"),
      );
      return;
    }
    const document = {
      model: model.name,
      inputs: model.layers[0].inputs,
      outputs: model.layers[model.layers.length - 1].outputs,
      macs: denseMacs(model),
      parameters: parameters(model),
      layers: model.layers.map(({ name, inputs, outputs, activation, alpha }) => ({
        name,
        inputs,
        outputs,
        activation,
        alpha,
        macs: inputs * outputs,
      })),
      calibration: ladder,
    };
    io.stdout(`${JSON.stringify(document, null, 2)}\n`);
  },
};
