// Weights stored as integers with a scale and a zero point (DequantizeLinear), back as the floats they stand for.

import { refusal } from "../errors.ts";
import { type Allowance, broadcast } from "./onnx-arithmetic.ts";
import { intOf } from "./onnx-attributes.ts";
import type { OnnxNode } from "./onnx-file.ts";
import type { OnnxNumbers } from "./onnx-numbers.ts";
import { axisIn, showDims } from "./onnx-shapes.ts";

/**
 * y = (x − zero point) · scale, with one scale and zero point for all of x or one for each index along `axis`.
 * @throws SlonnError `unsupported` for scales by blocks and for floats, `bad-model` for scales that do not fit.
 */
export function dequantize(node: OnnxNode, [x, scale, zero]: readonly OnnxNumbers[], allowance: Allowance): OnnxNumbers {
  const { subject } = allowance;
  if (intOf(node, "block_size", 0, subject) !== 0)
    throw refusal("unsupported", subject, "scales by blocks", "one for all, or one per channel");
  if (!x.integer || scale.integer) throw refusal("unsupported", subject, "other than integers with a scale of floats", "those");
  const single = scale.data.length === 1;
  const axis = single ? 0 : axisIn(intOf(node, "axis", 1, subject), x.shape.length, subject);
  for (const part of [scale, zero])
    if (part && (part.shape.length > 1 || part.data.length !== (single ? 1 : x.shape[axis])))
      throw refusal(
        "bad-model",
        subject,
        `scales or zero points ${showDims(part.shape)} for ${showDims(x.shape)}`,
        "one for all, or one per channel",
      );
  const spread = ({ data, integer }: OnnxNumbers) =>
    broadcast({ shape: x.shape.map((n, i) => (!single && i === axis ? n : 1)), data, integer }, x.shape, allowance);
  const scales = spread(scale);
  const zeros = zero && spread(zero);
  allowance.spend(x.data.length);
  return { shape: x.shape, data: scales.map((by, i) => (x.data[i] - (zeros ? zeros[i] : 0)) * by), integer: false };
}
