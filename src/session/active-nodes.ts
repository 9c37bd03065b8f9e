// Which nodes a run computed, read afterwards from the lists it left in engine memory: for pictures and debugging, off the query path.

import { COMPACT_PANELS, PANEL, ROW_WORDS, ROWS_8, ROWS_SELECTED, THRESHOLD } from "../engine/generated/abi.ts";
import { listViews } from "../engine/list.ts";
import type { LevelRun } from "./level-run.ts";

/** The word of a row that names the list of what was chosen. */
const listWord: Readonly<Record<number, number>> = { [COMPACT_PANELS]: 1, [THRESHOLD]: 5, [ROWS_SELECTED]: 6, [ROWS_8]: 7 };

/** The nodes of a layer that a run which ended before row `ran` computed, ascending; null: every one. @param order the node at each place, null: as they are */
export function activeNodes(
  { engine, plan: { tags }, words }: LevelRun,
  ran: number,
  layer: number,
  width: number,
  order: Uint32Array | null,
): Uint32Array | null {
  let found: number[] | null = null;
  for (let row = 0; row < ran; row++) {
    const { layer: of, nodes } = tags[row];
    if (of !== layer || nodes === "none") continue;
    if (typeof nodes === "number") {
      found = nodes < width ? Array.from({ length: nodes }, (_, node) => node) : null;
      continue;
    }
    if (nodes === "chosen") found = [];
    const at = row * ROW_WORDS;
    const size = words[at] === COMPACT_PANELS ? PANEL : 1;
    const { count, indices } = listViews(engine, words[at + listWord[words[at]]]);
    for (const unit of indices.subarray(0, count[0])) for (let i = unit * size; i < Math.min((unit + 1) * size, width); i++) found?.push(i);
  }
  return found && Uint32Array.from(found, (place) => order?.[place] ?? place).sort();
}
