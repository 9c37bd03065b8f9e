// Numbers shared with the host: the plan table's row layout, its operations and their argument order, activations and lists.
// The build copies this file, type annotations dropped, to src/engine/generated/abi.ts; it is the only definition of them.
//
// A plan is a table of rows of 16 words (i32, f32 where marked; pointers are byte addresses in the engine's memory):
//
//   word   0           1 … 12                 13           14          15
//        ┌───────────┬──────────────────────┬────────────┬───────────┬───────────┐
//        │ operation │ arguments, see below │ bytes read │ MACs done │ units out │   13 … 15 (u32) are written by each run
//        └───────────┴──────────────────────┴────────────┴───────────┴───────────┘
//
// A list holds the units an operation found (active inputs, chosen rows, blocks of inputs):
//
//   byte   0       4          8            16                     16 + 4·capacity (rounded up to 16)
//        ┌───────┬──────────┬────────────┬──────────────────────┬──────────────┐
//        │ count │ capacity │ 0          │ u32 index[capacity]  │ f32 value[…] │
//        └───────┴──────────┴────────────┴──────────────────────┴──────────────┘

export const ROW_WORDS: i32 = 16;
export const ROW_BYTES: i32 = 64;
export const WORD_BYTES_READ: i32 = 13;
export const WORD_MACS: i32 = 14;
export const WORD_UNITS: i32 = 15;
/** Arguments that the host writes anew before a run: the k of a BEST row, the budget of a MARGIN row. */
export const WORD_K: i32 = 3;
export const WORD_BUDGET: i32 = 5;

export const LIST_HEADER: i32 = 16;
/** Nodes of one panel: 16 f32 are one 64-byte cache line. */
export const PANEL: i32 = 16;
/** Inputs of one block; a block whose inputs are all 0 is skipped. */
export const BLOCK: i32 = 4;
/** Words of scratch that choosing the k best takes. */
export const SELECT_SCRATCH: i32 = 2048;

// ---- operations, with their arguments in order (words 1, 2, …). A multiply-add counts as one byte read in PREDICT and from PANELS_8 on,
// else as four.

/** src, n, list, activation, alpha(f32): the non-zeros of activation(src) */
export const COMPACT: i32 = 1;
/** src, n, list: the blocks of src that hold a non-zero, as steps in bytes from one to the next (all blocks, where nearly all do); src is readable up to a multiple of 16 */
export const BLOCKS: i32 = 2;
/** weight, bias, x, stride (inputs padded to 4), blocks, rows, out list, activation, alpha(f32), append: chosen rows from active blocks; non-zero results */
export const ROWS_SELECTED: i32 = 4;
/** panels, init, x, inputs, panel count, out: every panel from every input; init and out hold 16 floats a panel and may be one */
export const PANELS: i32 = 5;
/** panels, init, active list, inputs, panel count, out: every panel from the active inputs */
export const PANELS_ACTIVE: i32 = 6;
/** panels, init, active list, inputs, panel list, out: chosen panels from the active inputs */
export const PANELS_SELECTED: i32 = 7;
/** columns, init, active list, stride, outputs, out: transposed weights, `stride` floats from column to column; init and out hold whole panels */
export const COLUMNS: i32 = 8;
/** src, n, out, activation, alpha(f32): of n numbers; where n is negative, of a list's values, in place */
export const ACTIVATE: i32 = 9;
/** scores, n, k, list, scratch(SELECT_SCRATCH words): the k best, ascending by index; ties go to the lower index, NaN is never chosen */
export const TOP_K: i32 = 10;
/** scores, n, low(f32), high(f32), list: low < score <= high with the scores, ascending by index; where high is NaN no upper end, and scores of NaN too */
export const THRESHOLD: i32 = 11;
/** scores, panel count, out: the sum of the positive scores of each panel */
export const PANEL_SCORES: i32 = 12;
/**
 * src, n, margin(f32), most, budget: ends the run when the best of src leads the second best by at least margin (units 1), or when the
 * multiply-adds so far plus `most`, what the next rung may take, exceed the budget (units 2; 0 is no budget)
 */
export const MARGIN: i32 = 13;
/** planes (rows of stride floats), x, inputs, stride, tables, bits, codes(u32[tables]): sign projections; x and planes are padded with zeros to 4 */
export const HASH: i32 = 14;
/** codes, bucket starts(u32[tables·2^bits + 1]), bucket nodes(u32), bucket votes(f32), tables, bits, n, scores: the votes of the buckets hit */
export const VOTE: i32 = 15;
/** list, n, out, add: the list's values at its units; 0 elsewhere, or with `add` what was there */
export const SCATTER: i32 = 16;
/** panel list, pre-activations, outputs, out list, activation, alpha(f32), append: the non-zero nodes of the chosen panels, with `KEEP` all; units = nodes in them */
export const COMPACT_PANELS: i32 = 17;
/** list a, list b, out list: the units of a that b does not hold; all ascending, values not copied */
export const SUBTRACT: i32 = 18;
/**
 * rows (stride bytes apart), count, items, stride, out, line, size, step, first, places(u32[count], or 0): row k goes to place p = places[k],
 * or first + k, its item i, of `size` bytes (1, 2, 4), to out + (p / 16)·step + (p mod 16)·size + i·line; at load only
 */
export const PACK: i32 = 19;
/** panels (int8, see kernels/predict.ts), scales(f32[rank]), mean, code, rank, panel count, out, code scratch(i16): low-rank scores */
export const PREDICT: i32 = 20;
/** list, per, units, out list: the units per·i … per·i + per − 1 below `units` for each i of the list */
export const EXPAND: i32 = 21;
/** src, n, k, order(u32, or 0), best list: the k best of src[0 … n), or of a list's values where n is negative, best first; index i is reported as order[i] */
export const BEST: i32 = 22;
/** src, n, order(u32), out: out[order[i]] = src[i] */
export const PERMUTE: i32 = 23;
/**
 * src, n, codes, pairs list, blocks list, every: 16-bit codes of src with one step for all (the f32 at `codes`; the codes follow 16 bytes further,
 * padded with zeros to 16), its pairs that are not both 0, and its blocks of 8 that are not all 0, as steps in bytes of weights from one to the
 * next; with `every` all pairs and blocks
 */
export const CODE: i32 = 24;
/** panels (int8, [panel][pair][16][2]), scales(f32), bias, codes, pairs list, inputs padded to 16, panel list (or 0: the first), panel count, out */
export const PANELS_8: i32 = 25;
/** rows (int8), scales(f32), bias, codes, stride, blocks list, rows list, out list, activation, alpha(f32), append: chosen rows from active blocks of 8 */
export const ROWS_8: i32 = 26;
/** columns (int8), scales(f32), init, active list, stride, outputs, out, scratch(12 bytes for two active inputs): every node from the active inputs; init may be out */
export const COLUMNS_8: i32 = 27;
/** src, n, k, list, scratch(n floats rounded up to 4, and SELECT_SCRATCH words): the k values of the largest magnitude, ascending by index */
export const STRONGEST: i32 = 28;
/** scores, n, width(f32), list: scores at most width below the best, ascending by index; -Infinity and NaN are never chosen */
export const WITHIN: i32 = 29;

// ---- activations

export const IDENTITY: i32 = 0;
export const RELU: i32 = 1;
export const LEAKY_RELU: i32 = 2;
export const SIGMOID: i32 = 3;
export const TANH: i32 = 4;
export const GELU: i32 = 5;
export const GELU_TANH: i32 = 6;
export const SOFTMAX: i32 = 7;
export const LOG_SOFTMAX: i32 = 8;
/** In `ROWS_SELECTED`, `ROWS_8` and `COMPACT_PANELS`: identity, and zeros are kept. */
export const KEEP: i32 = 9;
