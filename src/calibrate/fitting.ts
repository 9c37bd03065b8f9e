// What every fit works with: products of matrices, random numbers, and turns for the program's other work.

import type { ArrayKernels } from "../engine/array-kernels.ts";
import type { Random } from "../random.ts";
import type { Turn } from "./turn.ts";

export interface Fitting {
  kernels: ArrayKernels;
  random: Random;
  turn: Turn;
}
