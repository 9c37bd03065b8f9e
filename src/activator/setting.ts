// How the nodes of a layer are chosen, as data: what a level says of each layer, and the forward plan carries out. It knows neither
// what a setting costs nor what was proved of it.

/** How the nodes of one layer are chosen. */
export type LayerSetting =
  /** Every node from every input. */
  | { readonly kind: "dense" }
  /** Every node, zero inputs skipped: the same result, fewer multiply-adds. `columns` suits few active inputs, `panels` many. */
  | { readonly kind: "exact"; readonly layout?: "panels" | "columns" }
  /** Nodes (or panels of 16 nodes) ranked by an activator; the rest count as 0. */
  | RankedSetting;

/**
 * Computes the nodes that an activator ranks best. `static` ranks them once for all inputs: as they stand. `all` computes every node and hands on
 * those whose own pre-activations exceed a threshold: for a hidden layer that costs little beside the one it leads to. Both compute an output layer
 * exactly. `oracle` ranks by pre-activations too, as if they came for nothing, for tests.
 */
export interface RankedSetting {
  readonly kind: "ranked";
  readonly activator: "low-rank" | "hash" | "clusters" | "screen" | "static" | "all" | "oracle";
  /** Which activator of that kind: the rank of a low-rank one, the tables of hashes, the panels a cluster, the inputs a screen looks at, whether `all` reads zeros. */
  readonly variant: number;
  /** Of `clusters`: how many components the layer that scores them has. */
  readonly rank?: number;
  /** Of `low-rank`: how many of the layer's nodes, the first, are ranked; the others count as 0. Absent: all. */
  readonly among?: number;
  /** `node` chooses single nodes, `panel` whole panels of 16, `cluster` the panels an activator of that kind keeps together. */
  readonly unit: "node" | "panel" | "cluster";
  readonly by: "top-k" | "threshold" | "within";
  /** `top-k`: this share of the units that are ranked (0 to 1). `threshold`: units whose score exceeds this number. `within`: at most this far below the best. */
  readonly amount: number;
}

/** One setting of every layer: a step of a level that grows, or all of one that does not. */
export interface Rung {
  /** One per layer. */
  readonly layers: readonly LayerSetting[];
  /** The query ends with this rung where the scores of the two best answers differ by at least this much; absent on the last rung. */
  readonly margin?: number;
  /** The most multiply-adds this rung was seen to add on the certification rows; it is not begun where fewer of `operations` are left. */
  readonly macs?: number;
}

/** Whether `b` chooses all that `a` chooses, by the same scores: then what `a` computed can stay. */
export function widens(a: LayerSetting, b: LayerSetting): boolean {
  if (a.kind !== "ranked" || b.kind !== "ranked") return a.kind === b.kind || (isStatic(a) && b.kind === "exact");
  return sameRanking(a, b) && (a.by === "threshold" ? b.amount <= a.amount : b.amount >= a.amount);
}

/** Whether a setting computes the same nodes for every input. */
export function isStatic(setting: LayerSetting): boolean {
  return setting.kind === "ranked" && setting.activator === "static";
}

export function sameSetting(a: LayerSetting, b: LayerSetting): boolean {
  return widens(a, b) && widens(b, a);
}

/** Whether two settings rank a layer alike, whatever they choose from the ranking. */
export function sameRanking(a: LayerSetting, b: LayerSetting): boolean {
  if (a.kind !== "ranked" || b.kind !== "ranked") return false;
  return activatorName(a) === activatorName(b) && a.unit === b.unit && a.by === b.by;
}

/** What tells a layer's activators apart: settings of one name share one. */
export function activatorName({ activator, variant, rank, among }: RankedSetting): string {
  return [activator, variant, rank, among].join();
}
