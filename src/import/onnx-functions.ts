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
    case "Sqrt":
      return (a) => Math.sqrt(a);
    case "Reciprocal":
      return (a) => 1 / a;
    case "Exp":
      return (a) => Math.exp(a);
    case "Neg":
      return (a) => -a;
    case "Abs":
      return (a) => Math.abs(a);
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
