// The shapes of samples between Keras layers: what Flatten and Reshape do to them, and which ones a dense layer can take.

import { refusal } from "../errors.ts";
import { maxWidth } from "../model/model.ts";
import { sizeOf } from "../model/tensor.ts";
import { asArray, type JsonObject, shown } from "./json-fields.ts";

/** Sizes of one sample (no batch dimension), null where the file leaves one open. */
export type Shape = readonly (number | null)[];

/** The most dimensions of a sample: every layer looks at them all. */
const maxRank = 32;

/** The shape a layer's configuration gives to its input, where it does. */
export function inputShapeOf(config: JsonObject, title: string): Shape | undefined {
  const batchShape = config.batch_input_shape ?? config.batch_shape;
  if (batchShape === undefined || batchShape === null) return undefined;
  const sizes = asArray(batchShape, `${title}: input shape`).slice(1);
  if (!sizes.every((n) => n === null || (Number.isSafeInteger(n) && (n as number) > 0)))
    throw refusal("bad-file", title, `input shape ${shown(batchShape)}`, "sizes of at least 1");
  checkRank(sizes, title);
  return sizes as (number | null)[];
}

function checkRank({ length }: readonly unknown[], title: string): void {
  if (length > maxRank) throw refusal("unsupported", title, `samples of ${length} dimensions`, `at most ${maxRank}`);
}

/** The product of the sizes, or null where one is open. */
export function widthOf(shape: Shape, title: string): number | null {
  if (shape.includes(null)) return null;
  const width = sizeOf(shape as readonly number[]);
  if (!(width >= 1 && width <= maxWidth)) throw refusal("unsupported", title, `shape ${shown(shape)}`, `1 to ${maxWidth} numbers`);
  return width;
}

/** Flatten: the same numbers in one dimension. */
export function flattened(shape: Shape | undefined, config: JsonObject, title: string): Shape | undefined {
  if (config.data_format === "channels_first" && shape?.length !== 1)
    throw refusal("unsupported", title, "data_format channels_first, which reorders its input", "channels_last");
  return shape && [widthOf(shape, title)];
}

/** Reshape: the same numbers in other dimensions, one of which (-1) may follow from the others. */
export function reshaped(shape: Shape | undefined, config: JsonObject, title: string): Shape {
  const target = asArray(config.target_shape, `${title}: target_shape`);
  if (!target.every((n) => n === null || (Number.isSafeInteger(n) && (n === -1 || (n as number) > 0))))
    throw refusal("bad-file", title, `target_shape ${shown(target)}`, "sizes or -1");
  checkRank(target, title);
  const sizes = target.map((n) => (n === -1 ? null : (n as number | null)));
  const known = sizes.reduce<number>((product, n) => product * (n ?? 1), 1);
  const open = sizes.filter((n) => n === null).length;
  const width = shape ? widthOf(shape, title) : null;
  if (width !== null && (open > 1 || (open === 1 ? width % known !== 0 : width !== known)))
    throw refusal("bad-file", title, `target_shape ${shown(target)}`, `one of ${width} numbers`);
  return width === null ? sizes : sizes.map((n) => n ?? width / known);
}

/** Refuses an axis that is not the last, and inputs of several rows: a softmax here is over all numbers of a sample. */
export function checkLastAxis(shape: Shape | undefined, axis: unknown, title: string): void {
  const rank = shape?.length ?? 1;
  const at = Array.isArray(axis) && axis.length === 1 ? axis[0] : (axis ?? -1);
  if (at !== -1 && at !== rank) throw refusal("unsupported", title, `axis ${shown(axis)}`, "the last");
  checkOneRow(shape, title);
}

/** Refuses samples of several rows. */
export function checkOneRow(shape: Shape | undefined, title: string): void {
  if (shape && !shape.slice(0, -1).every((n) => n === 1))
    throw refusal("unsupported", title, `samples of shape ${shown(shape)}`, "one dimension (a Flatten layer before it)");
}
