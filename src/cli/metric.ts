// How answers are judged: the best one, three or five against the labels and against dense's, and which of these figures a result leads with.
// It measures nothing.

import { refusal } from "../errors.ts";
import { isRight, type Labels, sameAnswers } from "../model/rows.ts";
import { type Certificate, type LadderMetric, metrics } from "../profile/ladder.ts";

/** How many of the best answers are looked at. */
export const ranks = [1, 3, 5] as const;
/** The most of them. */
export const depth = 5;
/** Stands for an answer where fewer were scored. */
export const noAnswer = -1;

/** A share for each of `ranks`. */
export interface AtRanks {
  1: number;
  3: number;
  5: number;
}

/** Counts of one contender's answers so far, for each of `ranks`. */
export interface Hits {
  queries: number;
  /** Right ones among the best k. */
  right: number[];
  /** Queries whose best k are the same set as the first contender's. */
  agreed: number[];
}

export function noHits(): Hits {
  return { queries: 0, right: ranks.map(() => 0), agreed: ranks.map(() => 0) };
}

/**
 * Judges one query.
 * @param best [depth] best first, filled up with `noAnswer`; `first` is the same of the first contender
 * @param row of the labels
 */
export function countHits(hits: Hits, best: Int32Array, first: Int32Array, labels: Labels | null, row: number): void {
  hits.queries++;
  for (let i = 0, right = 0, rank = 0; i < depth; i++) {
    if (labels && best[i] !== noAnswer && isRight(labels, row, best[i])) right++;
    if (i + 1 !== ranks[rank]) continue;
    const k = ranks[rank];
    hits.right[rank] += right;
    if (sameAnswers(best.subarray(0, k), first.subarray(0, k))) hits.agreed[rank]++;
    rank++;
  }
}

/** precision@k: the share of the best k answers that is right; agreement@k: the share of queries whose best k are the first contender's. */
export function sharesOf({ queries, right, agreed }: Hits): { precision: AtRanks; agreement: AtRanks } {
  const at = (share: (rank: number) => number): AtRanks => ({ 1: share(0), 3: share(1), 5: share(2) });
  return { precision: at((r) => right[r] / (queries * ranks[r])), agreement: at((r) => agreed[r] / queries) };
}

/** @throws SlonnError `bad-option` for a text that names no metric */
export function parseMetric(text: string): LadderMetric {
  const found = metrics.find((metric) => metric === text);
  if (!found) throw refusal("bad-option", "metric", JSON.stringify(text), metrics.join(", "));
  return found;
}

/**
 * The metric results lead with: the one asked for, else the one the model was calibrated for where it suits the labels, else that of the best
 * answer which the labels allow.
 * @throws SlonnError `bad-option` where the metric asked for needs labels and there are none
 */
export function headline(labels: Labels | null, calibrated: LadderMetric | null, asked?: LadderMetric): LadderMetric {
  if (asked !== undefined) {
    if (labels === null && !asked.startsWith("agreement"))
      throw refusal("bad-option", "metric", `${asked} without labels`, "--labels beside it, or agreement or agreement@k");
    return asked;
  }
  if (labels === null) return calibrated?.startsWith("agreement") ? calibrated : "agreement";
  if (calibrated === "precision@3" || calibrated === "precision@5") return calibrated;
  return labels.kind === "class" ? "accuracy" : "precision@1";
}

/** How many of the best answers a metric looks at. */
export function rankOf(metric: LadderMetric): (typeof ranks)[number] {
  return ranks.find((k) => metric.endsWith(`@${k}`)) ?? 1;
}

/** What a certificate is about, in a ladder of the metric `certified`. */
export function aboutOf(kind: Certificate["kind"], certified: LadderMetric): LadderMetric {
  const k = rankOf(certified);
  if (kind !== "agreement") return certified;
  return k === 1 ? "agreement" : `agreement@${k}`;
}
