// What elementwise ONNX operators compute of one number, or of two.

import { erf } from "../model/forward.ts";

/** The function of an operator; null for others than these. */
export function functionOf(operator: string): ((a: number, b: number) => number) | null {
  switch (operator) {
    case "Add":
      return (a, b) => a + b;
    case "Sub":
      return (a, b) => a - b;
    case "Mul":
      return (a, b) => a * b;
    case "Div":
      return (a, b) => a / b;
    case "Pow":
      return (a, b) => a ** b;
    case "Erf":
      return (a) => erf(a);
    case "Tanh":
      return (a) => Math.tanh(a);
    case "Sigmoid":
      return (a) => 1 / (1 + Math.exp(-a));
    case "Identity":
      return (a) => a;
    default:
      return null;
  }
}
