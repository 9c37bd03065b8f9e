// Which nodes a run computed, read afterwards from the lists it left in engine memory: for pictures and debugging, off the query path.

import { COMPACT_PANELS, PANEL, ROW_WORDS, ROWS_8 } from "../engine/generated/abi.ts";
import { listViews } from "../engine/list.ts";
import type { LevelRun } from "./level-run.ts";

/** The nodes of a layer that a run which ended before row `ran` computed, ascending; null: every one. */
export function activeNodes({ engine, plan: { tags }, words }: LevelRun, ran: number, layer: number, width: number): Uint32Array | null {
  let found: number[] | null = null;
  for (let row = 0; row < ran; row++) {
    const { layer: of, nodes } = tags[row];
    if (of !== layer || nodes === "none") continue;
    if (nodes === "all") {
      found = null;
      continue;
    }
    if (nodes === "chosen") found = [];
    const at = row * ROW_WORDS;
    const isPanels = words[at] === COMPACT_PANELS;
    // the word that names the list of what was chosen; 6 is that of ROWS_SELECTED
    const { count, indices } = listViews(engine, words[at + (isPanels ? 1 : words[at] === ROWS_8 ? 7 : 6)]);
    for (const unit of indices.subarray(0, count[0]))
      if (isPanels) for (let i = unit * PANEL; i < Math.min((unit + 1) * PANEL, width); i++) found?.push(i);
      else found?.push(unit);
  }
  return found && Uint32Array.from(found).sort();
}
