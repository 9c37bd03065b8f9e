// Keras layers that scale and shift each number (BatchNormalization, Normalization, Rescaling) as factors and offsets, in double precision.
// It knows nothing of the layers around them.

import { refusal } from "../errors.ts";
import { sizeOf } from "../model/tensor.ts";
import { asNumber, asShape, type JsonObject, optionalNumber, shown, unwrapped } from "./json-fields.ts";
import { type Shape, widthOf } from "./keras-shape.ts";

/** A weight as a file holds it; `read` decodes it (float32, row-major). */
export interface StoredWeight {
  /** Unique in the file: a weight serves one layer only. */
  path: string;
  shape: readonly number[];
  read(): Float32Array;
}

/** Finds a weight of the layer at hand. @throws SlonnError `bad-file` where the file has none of that name. */
export type FindWeight = (weight: string) => StoredWeight;

/** x[i] · scale[p] + offset[p] with p = ⌊i / stride⌋ mod scale.length, over the row-major flattened features i of one sample. */
export interface Scaling {
  layer: string;
  scale: Float64Array;
  offset: Float64Array;
  stride: number;
}

/** Which dimension a scaling runs along: its size (null when open) and the numbers from one step along it to the next. */
function axisOf(shape: Shape | undefined, axis: unknown, title: string): { size: number | null; stride: number } {
  const list = Array.isArray(axis) ? axis : [axis ?? -1];
  const [at] = list;
  if (list.length !== 1 || !Number.isSafeInteger(at)) throw refusal("unsupported", title, `axis ${shown(axis)}`, "one number");
  if (!shape) {
    if (at !== -1 && at !== 1) throw refusal("unsupported", title, `axis ${at} of an unknown shape`, "the last");
    return { size: null, stride: 1 };
  }
  const d = (at as number) < 0 ? shape.length + (at as number) : (at as number) - 1; // the batch is dimension 0
  if (!(d >= 0 && d < shape.length)) throw refusal("bad-file", title, `axis ${at}`, `one of shape ${shown(shape)}`);
  const stride = widthOf(shape.slice(d + 1), title);
  if (stride === null) throw refusal("unsupported", title, `axis ${at} of shape ${shown(shape)}`, "known sizes after it");
  return { size: shape[d], stride };
}

/** gamma (x − mean) / √(variance + epsilon) + beta */
export function batchNormalizationOf(config: JsonObject, shape: Shape | undefined, find: FindWeight, title: string): Scaling {
  const { size, stride } = axisOf(shape, config.axis, title);
  const epsilon = optionalNumber(config.epsilon, 1e-3, `${title}: epsilon`);
  const storedMean = find("moving_mean");
  const count = size ?? sizeOf(storedMean.shape);
  const mean = vector(storedMean, count, title);
  const variance = vector(find("moving_variance"), count, title);
  const gamma = config.scale === false ? undefined : vector(find("gamma"), count, title);
  const beta = config.center === false ? undefined : vector(find("beta"), count, title);
  const scale = variance.map((v, i) => (gamma ? gamma[i] : 1) / Math.sqrt(v + epsilon));
  const offset = mean.map((m, i) => (beta ? beta[i] : 0) - m * scale[i]);
  for (let i = 0; i < count; i++)
    if (!Number.isFinite(scale[i]) || !Number.isFinite(offset[i]))
      throw refusal("bad-model", title, `variance ${variance[i]} with epsilon ${epsilon} at ${i}`, "finite factors");
  return { layer: title, scale, offset, stride };
}

/** (x − mean) / deviation, or the inverse. */
export function normalizationOf(config: JsonObject, shape: Shape | undefined, find: FindWeight, title: string): Scaling {
  const scalar = config.axis === null || (Array.isArray(config.axis) && config.axis.length === 0);
  const { size, stride } = scalar ? { size: 1, stride: 1 } : axisOf(shape, config.axis, title);
  const [mean, variance] = spread(statistic(config, find, "mean", size, title), statistic(config, find, "variance", size, title), title);
  const deviation = variance.map((v) => Math.max(Math.sqrt(v), 1e-7)); // Keras' own guard against dividing by zero
  const invert = config.invert === true;
  const scale = deviation.map((d) => (invert ? d : 1 / d));
  const offset = mean.map((m, i) => (invert ? m : -m / deviation[i]));
  return { layer: title, scale, offset, stride };
}

/** Mean or variance: from the configuration where it is given there, otherwise from the weights. */
function statistic(config: JsonObject, find: FindWeight, which: string, size: number | null, title: string): Float64Array {
  const given = config[which];
  if (given === undefined || given === null) {
    const stored = find(which);
    return vector({ ...stored, shape: [sizeOf(stored.shape)] }, size ?? sizeOf(stored.shape), title); // stored as [1, …, n]
  }
  const values = numbers(given, `${title}: ${which}`);
  if (size !== null && values.length !== size && values.length !== 1)
    throw refusal("bad-file", title, `${values.length} numbers of ${which}`, size);
  return values;
}

/** scale x + offset, for all numbers alike or along the last dimension. */
export function rescalingOf(config: JsonObject, shape: Shape | undefined, title: string): Scaling {
  const [scale, offset] = spread(numbers(config.scale, `${title}: scale`), numbers(config.offset ?? 0, `${title}: offset`), title);
  const size = shape?.[shape.length - 1];
  if (scale.length > 1 && typeof size === "number" && size !== scale.length)
    throw refusal("bad-file", title, `${scale.length} numbers`, `1 or ${size}`);
  return { layer: title, scale, offset, stride: 1 };
}

/**
 * Factors and offsets of each of `width` numbers.
 * @throws SlonnError `bad-file` where the scaling does not divide them up evenly.
 */
export function expanded({ layer, scale, offset, stride }: Scaling, width: number): [scale: Float64Array, offset: Float64Array] {
  if (width % (scale.length * stride) !== 0)
    throw refusal("bad-file", layer, `${scale.length} factors`, `as many as the ${width} numbers beside it, or a divisor`);
  const spreadOut = (values: Float64Array): Float64Array =>
    Float64Array.from({ length: width }, (_, i) => values[Math.floor(i / stride) % values.length]);
  return [spreadOut(scale), spreadOut(offset)];
}

/** Two lists made equally long: one of a single number repeats it. */
function spread(a: Float64Array, b: Float64Array, title: string): [Float64Array, Float64Array] {
  if (a.length !== b.length && a.length !== 1 && b.length !== 1)
    throw refusal("bad-file", title, `${a.length} and ${b.length} numbers`, "as many of each");
  const count = Math.max(a.length, b.length);
  const full = (values: Float64Array): Float64Array => (values.length === count ? values : new Float64Array(count).fill(values[0]));
  return [full(a), full(b)];
}

/** A number, or nested lists of numbers flattened. */
function numbers(value: unknown, what: string): Float64Array {
  const held = unwrapped(value);
  let list = Array.isArray(held) ? held : [held];
  while (list.length === 1 && Array.isArray(list[0])) list = list[0]; // [[…]] as broadcasting wants it
  if (list.length === 0) throw refusal("bad-file", what, "an empty list", "numbers");
  return Float64Array.from(list, (n) => asNumber(n, what));
}

/** A one-dimensional weight of `count` numbers. */
export function vector(stored: StoredWeight, count: number, title: string): Float64Array {
  const shape = asShape(stored.shape, `${title}: weight ${shown(stored.path)}`);
  if (shape.length !== 1 || shape[0] !== count)
    throw refusal("bad-file", title, `weight ${shown(stored.path)} of shape ${shown(shape)}`, `[${count}]`);
  return Float64Array.from(stored.read());
}
