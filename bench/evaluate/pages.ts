// Writes an evaluation: the JSON, the plots, and the pages that show them.

import { join } from "node:path";
import { writeFiles } from "../write-files.ts";
import type { Evaluation } from "./evaluation.ts";
import { evaluationPage } from "./evaluation-page.ts";
import { accuracyPlot, deadlinePlot, lossPlot, scalingPlot } from "./plots.ts";
import { scalingPage } from "./scaling-page.ts";

/**
 * Into `folder`: evaluation.md, scaling.md, and beside them a folder `evaluation` with the JSON and the plots. Both are drawn from what the
 * JSON says, so that they come out the same when they are made of it again.
 */
export async function writePages(measured: Evaluation, folder: string): Promise<void> {
  const json = JSON.stringify(measured, roundNumbers);
  const evaluation = JSON.parse(json) as Evaluation;
  const { networks, certificates, interference, scaling } = evaluation;
  await writeFiles(join(folder, "evaluation"), {
    "evaluation.json": `${json}\n`,
    ...Object.fromEntries(networks.map((network) => [`${network.name}.svg`, accuracyPlot(network)])),
    ...Object.fromEntries(certificates.map((part) => [`certificates-${part.network}.svg`, lossPlot(part)])),
    ...Object.fromEntries(
      interference.map((part) => [`deadlines-${part.network}.svg`, deadlinePlot(part, part.runs[part.runs.length - 1].load)]),
    ),
    ...(scaling && {
      "scaling-labels.svg": scalingPlot(scaling.labels, "labels"),
      "scaling-widths.svg": scalingPlot(scaling.widths, "width of the hidden layers"),
    }),
  });
  await writeFiles(folder, { "evaluation.md": evaluationPage(evaluation), "scaling.md": scalingPage(evaluation) });
}

/** Six significant digits: more would be noise. */
function roundNumbers(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}
