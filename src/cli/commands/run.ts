// `slonn run`: answers every row once, in order, under each SLO, and can write the outputs.

import { refusal } from "../../errors.ts";
import { activationsFlag, type Command, jsonFlag, raceFlags } from "../command.ts";
import { writeNpy } from "../data/npy.ts";
import { progressOn } from "../io.ts";
import { interleave } from "../measure.ts";
import { dataFiles } from "../model-data.ts";
import { openRace } from "../race.ts";
import { checkPlace, writeBytes } from "../write-bytes.ts";

/** Outputs are collected in memory before they are written. */
const maxOutputBytes = 2 ** 30;
/** So that the first queries, which are the slowest, do not count. */
const warmUpQueries = 16;

export const runCommand: Command = {
  name: "run",
  file: "<model>",
  about: "Answers every row once under each SLO and prints what it kept and what it cost.",
  flags: {
    ...raceFlags,
    ...jsonFlag,
    output: { value: "<out.npy>", short: "o", about: "write the outputs under the first SLO, float32 [rows, outputs]" },
    ...activationsFlag,
  },
  async run(args, io) {
    const outputPath = args.text("output");
    if (outputPath !== undefined) await checkPlace(outputPath, new Map([["<model>", args.file], ...dataFiles(args)]));
    const race = await openRace(args, io.clock);
    try {
      const { rows, labels, model, contenders } = race;
      const width = model.layers[model.layers.length - 1].outputs;
      if (outputPath !== undefined && rows.count * width * 4 > maxOutputBytes)
        throw refusal("bad-option", "output", `${rows.count} rows of ${width} outputs`, `at most ${maxOutputBytes} bytes in all`);
      const outputs = new Float32Array(outputPath === undefined ? 0 : rows.count * width);
      const first = Math.min(1, contenders.length - 1);
      const progress = progressOn(io);
      const measured = await interleave(contenders, rows, {
        labels,
        warmUp: Math.min(warmUpQueries, rows.count),
        clock: io.clock,
        signal: io.signal,
        onProgress: (share) => progress.show(share, "running"),
        onAnswer: (c, q) => {
          if (outputPath !== undefined && c === first) outputs.set(contenders[c].output(), q * width);
        },
      }).finally(progress.end);
      if (outputPath !== undefined) await writeBytes(outputPath, writeNpy(outputs, [rows.count, width]));
      io.stdout(race.show(measured, args.has("json")));
    } finally {
      race.close();
    }
  },
};
