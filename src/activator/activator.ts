// What an activator is: it ranks a layer's nodes for one input, cheaply, by rows of a plan that leave one score per node in memory.
// Choosing nodes by their scores, computing them and judging the result are done elsewhere.
//
// Fitted activators are plain data and travel with the model as tensors; calibration makes them, this room places and runs them.

import { PANEL } from "../engine/generated/abi.ts";
import type { Emit } from "../engine/plan-writer.ts";
import { refusal } from "../errors.ts";
import { type AnyModel, notFinite } from "../model/model.ts";
import type { Tensor } from "../model/tensor.ts";

/** Prediction of all pre-activations through a few numbers: up · (down · x + center) + mean. Any leading part of the rank works. */
export interface LowRank {
  rank: number;
  /** [rank, inputs] */
  down: Float32Array;
  /** [rank] */
  center: Float32Array;
  /** [outputs, rank] */
  up: Float32Array;
  /** [outputs] */
  mean: Float32Array;
}

/** Locality-sensitive hash tables: the signs of `bits` projections name a bucket per table; its nodes get its votes. */
export interface Hash {
  tables: number;
  bits: number;
  /** [tables · bits, inputs] */
  planes: Float32Array;
  /** [tables · 2^bits + 1] positions in nodes and votes. */
  starts: Uint32Array;
  nodes: Uint32Array;
  votes: Float32Array;
}

/** Clusters of nodes that stand side by side, a fixed number of panels each from the first place on, and the router that scores them from the layer's input. */
export interface Clusters {
  /** Panels per cluster; the last cluster may have fewer. */
  panels: number;
  /** Its outputs are the clusters; nodes past the last are in none. */
  router: LowRank;
}

/** The fitted activators of one layer. Whatever has an entry per node has it in the model's own order. */
export interface LayerActivators {
  lowRank: LowRank | null;
  hash: Hash | null;
  clusters: readonly Clusters[];
  /** [outputs], the node that stands at each place in memory, so that clusters lie together; null: as they are. Output layer only. */
  order: Uint32Array | null;
}

/** No activator at all. */
export const noActivators: LayerActivators = { lowRank: null, hash: null, clusters: [], order: null };

/** The input of a layer as an activator may use it; asking for a form emits the rows that make it. */
export interface RankInput {
  /** Address of the dense vector, padded with zeros. */
  dense(): number;
  /** Addresses of the lists that together hold the non-zeros. */
  parts(): readonly number[];
  /** Whether only the last part is new since this layer was ranked before. */
  readonly extended: boolean;
}

/** An activator placed in engine memory. */
export interface Activator {
  /** How many scores it leaves: nodes, or clusters. */
  readonly units: number;
  /** Emits the rows that leave a score per node (of clusters, per cluster); returns the address of the scores, padded to whole panels. */
  rank(input: RankInput, emit: Emit): number;
}

/** How the names of the tensors of a layer's activator begin, both when they are written and when they are read. */
const nameOf = (l: number, activator: "low-rank" | "hash" | "clusters" | "order"): string => `activators.${l}.${activator}`;

export function encodeActivators(layers: readonly LayerActivators[]): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  const put = (name: string, data: Float32Array | Uint32Array, shape: number[]): void => {
    tensors.set(name, { dtype: data instanceof Float32Array ? "float32" : "uint32", shape, data });
  };
  const putLowRank = (name: string, { rank, down, center, up, mean }: LowRank): void => {
    put(`${name}.down`, down, [rank, down.length / rank]);
    put(`${name}.center`, center, [rank]);
    put(`${name}.up`, up, [mean.length, rank]);
    put(`${name}.mean`, mean, [mean.length]);
  };
  layers.forEach(({ lowRank, hash, clusters, order }, l) => {
    if (lowRank) putLowRank(nameOf(l, "low-rank"), lowRank);
    if (hash) {
      const { tables, bits, planes, starts, nodes, votes } = hash;
      put(`${nameOf(l, "hash")}.planes`, planes, [tables, bits, planes.length / (tables * bits)]);
      put(`${nameOf(l, "hash")}.starts`, starts, [starts.length]);
      put(`${nameOf(l, "hash")}.nodes`, nodes, [nodes.length]);
      put(`${nameOf(l, "hash")}.votes`, votes, [votes.length]);
    }
    for (const { panels, router } of clusters) putLowRank(`${nameOf(l, "clusters")}.${panels}`, router);
    if (order) put(nameOf(l, "order"), order, [order.length]);
  });
  return tensors;
}

/** @throws SlonnError `bad-file` when the tensors do not fit the network or each other. */
export function decodeActivators(model: AnyModel): LayerActivators[] {
  const tensors = model.calibration?.tensors ?? new Map<string, Tensor>();
  /** Panels per cluster, by how the names of a layer's clusters begin. Names are searched once: searching per layer could take quadratic time. */
  const panelsOf = new Map<string, number[]>();
  for (const key of tensors.keys()) {
    const [name, panels] = key.split(/\.([1-9]\d{0,8})\.down$/);
    if (panels) panelsOf.get(name)?.push(Number(panels)) ?? panelsOf.set(name, [Number(panels)]);
  }
  return model.layers.map(({ inputs, outputs }, l) => {
    const lowRank = decodeLowRank(tensors, nameOf(l, "low-rank"), inputs, outputs);
    const hash = decodeHash(tensors, nameOf(l, "hash"), inputs, outputs);
    const clusters: Clusters[] = [];
    for (const panels of panelsOf.get(nameOf(l, "clusters")) ?? []) {
      const router = `${nameOf(l, "clusters")}.${panels}`;
      // the last nodes may be in no cluster
      const count = Math.min(Math.ceil(outputs / (PANEL * panels)), tensors.get(`${router}.mean`)?.shape[0] || 1);
      const decoded = decodeLowRank(tensors, router, inputs, count);
      if (decoded) clusters.push({ panels, router: decoded });
    }
    const name = nameOf(l, "order");
    const stored = tensors.has(name);
    if (stored && l < model.layers.length - 1) throw refusal("bad-file", name, "an order", "it of the output layer");
    return { lowRank, hash, clusters, order: stored ? permutation(tensors, name, outputs) : null };
  });
}

/** The most numbers that are coded in all 13 bits beside weights of eight: a sum of more products could pass 31 bits (assembly/kernels/bytes.ts, predict.ts). */
export const mostInFull = 2048;

function decodeLowRank(tensors: ReadonlyMap<string, Tensor>, name: string, inputs: number, outputs: number): LowRank | null {
  const down = tensors.get(`${name}.down`);
  if (!down) return null;
  const rank = down.shape[0];
  if (!(rank >= 1 && rank <= mostInFull)) throw refusal("bad-file", `${name}.down`, describe(down), `a rank from 1 to ${mostInFull}`);
  const part = (key: string, shape: readonly number[]): Float32Array => floats(tensors, `${name}.${key}`, shape);
  return {
    rank,
    down: part("down", [rank, inputs]),
    center: part("center", [rank]),
    up: part("up", [outputs, rank]),
    mean: part("mean", [outputs]),
  };
}

function decodeHash(tensors: ReadonlyMap<string, Tensor>, name: string, inputs: number, outputs: number): Hash | null {
  const planes = tensors.get(`${name}.planes`);
  if (!planes) return null;
  const [tables, bits] = planes.shape;
  const checked = floats(tensors, `${name}.planes`, [tables, bits, inputs]);
  if (tables < 1 || bits < 1 || bits > 20)
    throw refusal("bad-file", `${name}.planes`, `${tables} tables of ${bits} bits`, "at least 1 table and 1 to 20 bits");
  const nodes = words(tensors, `${name}.nodes`, null);
  const starts = words(tensors, `${name}.starts`, tables * 2 ** bits + 1);
  for (let i = 0; i < starts.length; i++)
    if (starts[i] > nodes.length || starts[i] < starts[i - 1])
      throw refusal("bad-file", `${name}.starts`, `${starts[i]} at ${i}`, `ascending positions up to ${nodes.length}`);
  for (const node of nodes) if (node >= outputs) throw refusal("bad-file", `${name}.nodes`, `node ${node}`, `below ${outputs}`);
  return {
    tables,
    bits,
    planes: checked,
    starts,
    nodes,
    votes: floats(tensors, `${name}.votes`, [nodes.length]),
  };
}

function floats(tensors: ReadonlyMap<string, Tensor>, name: string, shape: readonly number[]): Float32Array {
  const tensor = tensors.get(name);
  if (!(tensor?.data instanceof Float32Array) || tensor.shape.length !== shape.length || shape.some((n, i) => n !== tensor.shape[i]))
    throw refusal("bad-file", name, describe(tensor), `float32 [${shape.join(", ")}]`);
  const wrong = notFinite(tensor.data);
  if (wrong >= 0) throw refusal("bad-file", name, tensor.data[wrong], "finite numbers");
  return tensor.data;
}

function permutation(tensors: ReadonlyMap<string, Tensor>, name: string, n: number): Uint32Array {
  const order = words(tensors, name, n);
  const seen = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    const node = order[i];
    if (node >= n || seen[node]) throw refusal("bad-file", name, `${node}${node < n ? " twice" : ""}`, `each number below ${n} once`);
    seen[node] = 1;
  }
  return order;
}

function words(tensors: ReadonlyMap<string, Tensor>, name: string, length: number | null): Uint32Array {
  const tensor = tensors.get(name);
  if (!(tensor?.data instanceof Uint32Array) || (length !== null && tensor.data.length !== length))
    throw refusal("bad-file", name, describe(tensor), `uint32${length === null ? "" : ` [${length}]`}`);
  return tensor.data;
}

function describe(tensor: Tensor | undefined): string {
  return tensor ? `${tensor.dtype} [${tensor.shape.slice(0, 8).join(", ")}]` : "nothing";
}
