// Where the networks of an evaluation and their rows come from, cut down to a size.

import { existsSync, readdirSync } from "node:fs";
import { loadNetwork, loadNetworkFrom, type Network, type NetworkName, networkNames, projectPath } from "../../examples/networks.ts";
import { type Labels, type Rows, takeLabels, takeRows } from "../../src/model/rows.ts";
import { countPairs, pairBuckets, readGuesslang, textBytes } from "./guesslang.ts";
import type { Subject } from "./network.ts";
import type { Size } from "./sizes.ts";
import { type SourceText, sourceTexts } from "./source-texts.ts";

/** Weights a reader trained (docs/training.md) and put there are evaluated too: `<network whose rows it takes>-<anything>.safetensors`. */
const trainedFolder = projectPath("build", "networks");

export interface Source {
  name: string;
  load(): Promise<Subject>;
}

/** The networks of a size, those of others, and those the reader trained. */
export function sourcesOf({ networks, guesslang, most }: Size, withTrained: boolean): Source[] {
  const committed = networks.map((name): Source => ({ name, load: async () => subjectOf(await loadNetwork(name), most) }));
  const files = withTrained && existsSync(trainedFolder) ? readdirSync(trainedFolder).filter((file) => file.endsWith(".safetensors")) : [];
  const trained = files.sort().map((file): Source => {
    const name = file.replace(/\.safetensors$/, "");
    return { name, load: async () => subjectOf(await loadNetworkFrom(name, projectPath("build", "networks", file), likeOf(name)), most) };
  });
  const others = guesslang ? [{ name: "guesslang", load: async () => loadGuesslang(most) }] : [];
  return [...committed, ...others, ...trained];
}

function loadGuesslang(most: Size["most"]): Subject {
  const { model, languages, version } = readGuesslang();
  const bucketOf = pairBuckets();
  const { inputs } = model.layers[0];
  const labelled = (texts: readonly SourceText[]): { rows: Rows; labels: Labels } => {
    const data = new Float32Array(texts.length * inputs);
    for (const [r, { text }] of texts.entries()) countPairs(text, bucketOf, data.subarray(r * inputs, (r + 1) * inputs));
    const classes = Uint32Array.from(texts, ({ language }) => languages.indexOf(language));
    return {
      rows: { kind: "dense", count: texts.length, width: inputs, data },
      labels: { kind: "class", count: texts.length, classes },
    };
  };
  const { fit, heldOut, report } = sourceTexts(textBytes);
  return {
    name: "guesslang",
    data: `pieces of ${textBytes} characters of the files of packages the lock file pins, labelled by file ending`,
    trainedBy: `others: Guesslang as npm @vscode/vscode-languagedetection ${version} ships it, folded into a chain of dense layers`,
    model,
    fit: first(labelled(fit).rows, most.fit),
    heldOut: cut(labelled(heldOut), most.heldOut),
    report: cut(labelled(report), most.report),
  };
}

/** The committed network whose rows a trained one takes: the longest name it begins with. */
function likeOf(name: string): NetworkName {
  const like = networkNames.filter((one) => name.startsWith(`${one}-`)).sort((a, b) => b.length - a.length)[0];
  if (!like) throw new Error(`${name}.safetensors: got that name, expected it to begin with ${networkNames.join("-, ")}-`);
  return like;
}

export function subjectOf({ name, data, model, fit, heldOut, test }: Network, most: Size["most"]): Subject {
  // one that comes calibrated was calibrated on all of them
  const held = model.calibration ? heldOut : cut(heldOut, most.heldOut);
  return { name, data, trainedBy: null, model, fit: first(fit, most.fit), heldOut: held, report: cut(test, most.report) };
}

function first(rows: Rows, most: number): Rows {
  return rows.count <= most ? rows : takeRows(rows, whichOf(most));
}

function cut({ rows, labels }: { rows: Rows; labels: Labels }, most: number): { rows: Rows; labels: Labels } {
  return rows.count <= most ? { rows, labels } : { rows: takeRows(rows, whichOf(most)), labels: takeLabels(labels, whichOf(most)) };
}

const whichOf = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);
