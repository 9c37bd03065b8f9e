// The only export besides the memory: run a plan. abi.ts defines the table's layout and every operation's arguments.
// Nothing is allocated, imported or checked: the host is responsible for writing well-formed plans.
import {
  ACTIVATE, BEST, BLOCKS, CODE, COLUMNS, COLUMNS_8, COMPACT, COMPACT_PANELS, EXPAND, HASH, MARGIN, PACK, PANEL, PANELS, PANELS_ACTIVE, PANELS_8, PANELS_SELECTED, PANEL_SCORES, PERMUTE, PREDICT,
  ROWS_8, ROWS_SELECTED, ROW_BYTES, SCATTER, STRONGEST, SUBTRACT, THRESHOLD, TOP_K, VOTE, WITHIN, WORD_BYTES_READ, WORD_MACS, WORD_UNITS,
} from "./abi";
import { activate } from "./kernels/activate";
import { best, lead } from "./kernels/answers";
import { code, columns8, panels8, rows8 } from "./kernels/bytes";
import { columns } from "./kernels/columns";
import { blocks, compact, compactPanels, permute, scatter } from "./kernels/compact";
import { hash, vote } from "./kernels/hash";
import { expand, subtract } from "./kernels/lists";
import { pack } from "./kernels/pack";
import { panels, panelsActive, panelsSelected } from "./kernels/panels";
import { predict } from "./kernels/predict";
import { rowsSelected } from "./kernels/rows";
import { panelScores, strongest, threshold, topK, within } from "./kernels/select";
import { count, indices, values } from "./lanes/list";

// @ts-ignore: decorator
@inline
function p(row: usize, word: usize): usize {
  return <usize>load<u32>(row + (word << 2));
}

// @ts-ignore: decorator
@inline
function n(row: usize, word: usize): i32 {
  return load<i32>(row + (word << 2));
}

// @ts-ignore: decorator
@inline
function f(row: usize, word: usize): f32 {
  return load<f32>(row + (word << 2));
}

/** The lead of a vector, or of a list's values. */
function leadOf(src: usize, n: i32): f32 {
  return n < 0 ? lead(values(src), count(src)) : lead(src, n);
}

/** Multiply-adds of rows 0 … end − 1. */
function spent(plan: usize, end: i32): i64 {
  let total: i64 = 0;
  for (let r = 0; r < end; r++) total += <i64>load<u32>(plan + <usize>r * ROW_BYTES + (WORD_MACS << 2));
  return total;
}

/** Runs rows begin … end − 1 of the plan at `plan`; returns the row after the last one run. */
export function execute(plan: usize, begin: i32, end: i32): i32 {
  let at = begin;
  while (at < end) {
    const r = plan + <usize>at * ROW_BYTES;
    const operation = n(r, 0);
    let units = 0;
    let macs = 0;
    at++;
    switch (operation) {
      case COMPACT:
        units = compact(p(r, 1), n(r, 2), p(r, 3), n(r, 4), f(r, 5));
        break;
      case BLOCKS:
        units = blocks(p(r, 1), n(r, 2), p(r, 3));
        break;
      case ROWS_SELECTED:
        rowsSelected(p(r, 1), p(r, 2), p(r, 3), n(r, 4), p(r, 5), p(r, 6), p(r, 7), n(r, 8), f(r, 9), n(r, 10) != 0);
        units = count(p(r, 6));
        macs = units * count(p(r, 5)) * 4;
        break;
      case PANELS:
        panels(p(r, 1), p(r, 2), p(r, 3), n(r, 4), n(r, 5), p(r, 6));
        units = n(r, 5) * PANEL;
        macs = n(r, 4) * units;
        break;
      case PANELS_ACTIVE:
        panelsActive(p(r, 1), p(r, 2), p(r, 3), n(r, 4), n(r, 5), p(r, 6));
        units = n(r, 5) * PANEL;
        macs = count(p(r, 3)) * units;
        break;
      case PANELS_SELECTED:
        panelsSelected(p(r, 1), p(r, 2), p(r, 3), n(r, 4), p(r, 5), p(r, 6));
        units = count(p(r, 5)) * PANEL;
        macs = count(p(r, 3)) * units;
        break;
      case COLUMNS:
        columns(p(r, 1), p(r, 2), p(r, 3), n(r, 4), n(r, 5), p(r, 6));
        units = n(r, 5);
        macs = count(p(r, 3)) * units;
        break;
      case ACTIVATE:
        units = n(r, 2) < 0 ? count(p(r, 1)) : n(r, 2);
        activate(n(r, 2) < 0 ? values(p(r, 1)) : p(r, 1), units, n(r, 2) < 0 ? values(p(r, 1)) : p(r, 3), n(r, 4), f(r, 5));
        break;
      case TOP_K:
        units = topK(p(r, 1), n(r, 2), n(r, 3), p(r, 4), p(r, 5));
        break;
      case THRESHOLD:
        units = threshold(p(r, 1), n(r, 2), f(r, 3), f(r, 4), p(r, 5));
        break;
      case WITHIN:
        units = within(p(r, 1), n(r, 2), f(r, 3), p(r, 4));
        break;
      case PANEL_SCORES:
        panelScores(p(r, 1), n(r, 2), p(r, 3));
        units = n(r, 2);
        break;
      case MARGIN:
        units = leadOf(p(r, 1), n(r, 2)) >= f(r, 3) ? 1 : n(r, 5) > 0 && spent(plan, at) + <i64>n(r, 4) > <i64>n(r, 5) ? 2 : 0;
        break;
      case HASH:
        hash(p(r, 1), p(r, 2), n(r, 3), n(r, 4), n(r, 5), n(r, 6), p(r, 7));
        units = n(r, 5);
        macs = n(r, 3) * units * n(r, 6);
        break;
      case VOTE:
        // a vote reads two words, a node number and a weight, and is counted as two multiply-adds so that it is not free
        units = n(r, 7);
        macs = 2 * vote(p(r, 1), p(r, 2), p(r, 3), p(r, 4), n(r, 5), n(r, 6), n(r, 7), p(r, 8));
        break;
      case SCATTER:
        scatter(p(r, 1), n(r, 2), p(r, 3), n(r, 4) != 0);
        units = n(r, 2);
        break;
      case COMPACT_PANELS:
        units = compactPanels(p(r, 1), p(r, 2), n(r, 3), p(r, 4), n(r, 5), f(r, 6), n(r, 7) != 0);
        break;
      case SUBTRACT:
        units = subtract(p(r, 1), p(r, 2), p(r, 3));
        break;
      case PREDICT:
        predict(p(r, 1), p(r, 2), p(r, 3), p(r, 4), n(r, 5), n(r, 6), p(r, 7), p(r, 8));
        units = n(r, 6) * PANEL;
        macs = n(r, 5) * units;
        break;
      case STRONGEST:
        units = strongest(p(r, 1), n(r, 2), n(r, 3), p(r, 4), p(r, 5));
        break;
      case EXPAND:
        units = expand(p(r, 1), n(r, 2), n(r, 3), p(r, 4));
        break;
      case BEST:
        units = n(r, 2) < 0
          ? best(values(p(r, 1)), count(p(r, 1)), indices(p(r, 1)), n(r, 3), p(r, 4), p(r, 5))
          : best(p(r, 1), n(r, 2), 0, n(r, 3), p(r, 4), p(r, 5));
        break;
      case PERMUTE:
        permute(p(r, 1), n(r, 2), p(r, 3), p(r, 4));
        units = n(r, 2);
        break;
      case CODE:
        units = code(p(r, 1), n(r, 2), p(r, 3), p(r, 4), p(r, 5), n(r, 6) != 0);
        break;
      case PANELS_8:
        units = panels8(p(r, 1), p(r, 2), p(r, 3), p(r, 4), p(r, 5), n(r, 6), p(r, 7), n(r, 8), p(r, 9)) * PANEL;
        macs = units * 2 * count(p(r, 5));
        break;
      case ROWS_8:
        rows8(p(r, 1), p(r, 2), p(r, 3), p(r, 4), n(r, 5), p(r, 6), p(r, 7), p(r, 8), n(r, 9), f(r, 10), n(r, 11) != 0);
        units = count(p(r, 7));
        macs = units * count(p(r, 6)) * 8;
        break;
      case COLUMNS_8:
        columns8(p(r, 1), p(r, 2), p(r, 3), p(r, 4), n(r, 5), n(r, 6), p(r, 7), p(r, 8));
        units = n(r, 6);
        macs = count(p(r, 4)) * units;
        break;
      case PACK:
        pack(p(r, 1), n(r, 2), n(r, 3), p(r, 4), p(r, 5), p(r, 6), n(r, 7), p(r, 8), n(r, 9), p(r, 10));
        units = n(r, 2);
        break;
      default:
        return -at;
    }
    store<i32>(r + (WORD_UNITS << 2), units);
    store<i32>(r + (WORD_MACS << 2), macs);
    // a weight is one byte in PREDICT and in every operation from PANELS_8 on, four bytes in the others
    store<i32>(r + (WORD_BYTES_READ << 2), operation == PREDICT || operation >= PANELS_8 ? macs : macs << 2);
    if (operation == MARGIN && units) return at;
  }
  return at;
}
