// A safetensors file of tensors as they lie in memory, for tests of those who read it.

import { packSafetensors, storeTensor } from "../../src/model/safetensors.ts";
import type { Tensor } from "../../src/model/tensor.ts";

/** @param half names of float32 tensors to store as F16 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
  half: readonly string[] = [],
): Uint8Array {
  return packSafetensors(
    Array.from(tensors, ([name, tensor]) => storeTensor(name, tensor, half.includes(name))),
    metadata,
  );
}
