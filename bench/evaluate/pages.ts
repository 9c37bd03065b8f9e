// Writes an evaluation: the JSON, the plots, and the pages that show them.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Evaluation } from "./evaluation.ts";
import { evaluationPage } from "./evaluation-page.ts";
import { accuracyPlot, deadlinePlot, lossPlot, scalingPlot } from "./plots.ts";
import { scalingPage } from "./scaling-page.ts";

/**
 * Into `folder`: evaluation.md, scaling.md, and beside them a folder `evaluation` with the JSON and the plots. Both are drawn from what the
 * JSON says, so that they come out the same when they are made of it again.
 */
export function writePages(measured: Evaluation, folder: string): void {
  const plots = join(folder, "evaluation");
  mkdirSync(plots, { recursive: true });
  const json = JSON.stringify(measured, roundNumbers);
  const evaluation = JSON.parse(json) as Evaluation;
  const { networks, certificates, interference, scaling } = evaluation;
  writeFileSync(join(plots, "evaluation.json"), `${json}\n`);
  for (const network of networks) writeFileSync(join(plots, `${network.name}.svg`), accuracyPlot(network));
  for (const part of certificates) writeFileSync(join(plots, `certificates-${part.network}.svg`), lossPlot(part));
  for (const part of interference)
    writeFileSync(join(plots, `deadlines-${part.network}.svg`), deadlinePlot(part, part.runs[part.runs.length - 1].load));
  if (scaling) {
    writeFileSync(join(plots, "scaling-labels.svg"), scalingPlot(scaling.labels, "labels"));
    writeFileSync(join(plots, "scaling-widths.svg"), scalingPlot(scaling.widths, "width of the hidden layers"));
  }
  writeFileSync(join(folder, "evaluation.md"), evaluationPage(evaluation));
  writeFileSync(join(folder, "scaling.md"), scalingPage(evaluation));
}

/** Six significant digits: more would be noise. */
function roundNumbers(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}
