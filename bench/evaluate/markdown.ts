// Tables and figures as Markdown. It knows of an evaluation only what a ratio is.

import type { Ratio } from "./evaluation.ts";

/** The first column is words, the others numbers unless `words` names them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], words: readonly number[] = []): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = head.map((_, i) => (i === 0 || words.includes(i) ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

export function percent(share: number | null, digits = 2): string {
  return share === null || !Number.isFinite(share) ? "" : `${(100 * share).toFixed(digits)} %`;
}

/** Three significant digits. */
export function figure(value: number): string {
  return Number.isFinite(value) ? (value >= 100 ? value.toFixed(0) : value.toPrecision(3)) : "";
}

export function micro(ms: number): string {
  return figure(1000 * ms);
}

/** A ratio with its interval; one that did not reproduce with a mark and what came instead. */
export function ratioText({ ratio, low, high, reproduced, again }: Ratio): string {
  return `${figure(ratio)} (${figure(low)} to ${figure(high)})${reproduced ? "" : ` †${figure(again)}`}`;
}

/** Hundredths of a share, to two digits. */
export function points(share: number): string {
  const text = (100 * share).toFixed(2);
  return text === "-0.00" ? "0.00" : text;
}
