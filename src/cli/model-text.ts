// Shows a network and its levels to people. It measures nothing.

import Table from "cli-table3";
import { denseMacs, type Model, weightBytes } from "../model/model.ts";
import { certificateOf, isLossless, keeps } from "../policy/levels.ts";
import type { Ladder, LayerSetting, Rung } from "../profile/ladder.ts";
import { oneLine } from "./io.ts";
import { aboutOf } from "./metric.ts";
import { boundText, percent, sureText } from "./results.ts";

const style = { head: [], border: [], compact: true };

/** e.g. `784-1024-1024-10`. */
export function widthsText({ layers }: Model): string {
  return [layers[0].inputs, ...layers.map(({ outputs }) => outputs)].join("-");
}

/** One row per layer. */
export function layersText(model: Model): string {
  const table = new Table({
    head: ["layer", "inputs", "nodes", "activation", "weights", "MACs"],
    style,
    colAligns: ["left", "right", "right", "left", "right", "right"],
  });
  for (const { name, inputs, outputs, activation, alpha } of model.layers)
    table.push([
      oneLine(name),
      `${inputs}`,
      `${outputs}`,
      activation === "leaky-relu" ? `${activation} (${alpha})` : activation,
      `${inputs * outputs + outputs}`,
      `${inputs * outputs}`,
    ]);
  return `${oneLine(model.name)}: ${widthsText(model)}, ${denseMacs(model)} multiply-adds, ${bytesOf(model)} bytes of weights\n${table.toString()}\n`;
}

/** One row per level, cheapest first, numbered from 1 as in the reasons of reports; work is shown as shares of the last level's, dense. */
export function ladderText({ metric, promise, reference, levels }: Ladder): string {
  const kinds = (["loss", "agreement", "accuracy"] as const).filter((kind) =>
    levels.some(({ certificates }) => certificates.some((certificate) => certificate.kind === kind)),
  );
  const table = new Table({
    head: ["level", "MACs", "p99 MACs", "nodes", ...kinds.map((kind) => (kind === "loss" ? kind : aboutOf(kind, metric))), "layers"],
    style,
    colAligns: ["right", "right", "right", "right", ...kinds.map(() => "right" as const), "left"],
  });
  const dense = levels[levels.length - 1].cost.macs.mean;
  levels.forEach(({ rungs, cost }, i) => {
    const bounds = kinds.map((kind) => {
      const found = certificateOf(levels, i, kind);
      return found ? boundText(kind, found.bound) : "";
    });
    table.push([
      `${i + 1}`,
      percent(cost.macs.mean / dense),
      percent(cost.macs.p99 / dense),
      cost.nodes.map(percent).join(" "),
      ...bounds,
      rungs.map(rungText).join("\n"),
    ]);
  });
  const samples = Math.min(...levels.flatMap((level) => level.certificates.map((certificate) => certificate.samples)));
  const proof = Number.isFinite(samples) ? `, certified on ${samples} rows, ${sureText(promise.confidence)}` : ", none certified";
  const about = (metric === promise.kind ? "" : ` (${metric})`) + (reference ? " against the weights in float32" : "");
  const asked = `${promise.kind} ${boundText(promise.kind, promise.bound)}`;
  const count = `${levels.length} level${levels.length === 1 ? "" : "s"}`;
  const keeping = levels.filter((_, i) => keeps(certificateOf(levels, i, promise.kind), promise.bound));
  // with weights quantised to 8 bits, not even the whole network need keep it
  const proved = keeping.length > 0 ? "" : ", proved of no level";
  const note = keeping.every(isLossless)
    ? `no level that leaves nodes out keeps ${asked} at a gain: the whole network answers queries that ask for it (more rows or a larger max loss may change that)\n`
    : "";
  return `calibrated for ${asked}${about}${proved}: ${count}${proof}\n${table.toString()}\n${note}`;
}

/** Weights and biases. */
export function parameters(model: Model): number {
  return model.layers.reduce((sum, { inputs, outputs }) => sum + inputs * outputs + outputs, 0);
}

function bytesOf(model: Model): number {
  return model.layers.reduce((sum, layer) => sum + weightBytes(layer) + layer.bias.byteLength, 0);
}

function rungText({ layers, margin }: Rung): string {
  return `${layers.map(settingText).join(" · ")}${margin === undefined ? "" : `, until ${Number(margin.toPrecision(3))} apart`}`;
}

function settingText(setting: LayerSetting): string {
  if (setting.kind !== "ranked") return setting.kind;
  const { activator, variant, rank, among, by, amount, unit } = setting;
  const number = Number(amount.toPrecision(3));
  const chosen = by === "top-k" ? `top ${percent(amount)}` : by === "within" ? `within ${number} of the best` : `above ${number}`;
  const ranking = `${oneLine(activator)} ${variant}${rank === undefined ? "" : ` by ${rank}`}`;
  return `${ranking} ${chosen}${unit === "panel" ? " of panels" : ""}${among === undefined ? "" : ` of the first ${among}`}`;
}
