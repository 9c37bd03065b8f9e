// Writes ONNX files that no exporter would: just enough of the wire format to contradict it.

type Part = Uint8Array | number[];

export function varint(value: number | bigint): number[] {
  const out: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return [...out, Number(rest)];
    out.push(Number(rest & 127n) | 128);
  }
}

export const int = (field: number, value: number | bigint): number[] => [...varint(field * 8), ...varint(value)];
export const bytes = (field: number, content: Part): number[] => [...varint(field * 8 + 2), ...varint(content.length), ...content];
export const text = (field: number, content: string): number[] => bytes(field, new TextEncoder().encode(content));
export const float = (field: number, value: number): number[] => [
  ...varint(field * 8 + 5),
  ...new Uint8Array(Float32Array.of(value).buffer),
];

export function tensor(name: string, dims: (number | bigint)[], data: number[], extra: number[] = []): number[] {
  return [
    ...dims.flatMap((n) => int(1, n)),
    ...int(2, 1),
    ...text(8, name),
    ...bytes(9, new Uint8Array(Float32Array.from(data).buffer)),
    ...extra,
  ];
}

/** An int64 list, as shapes are. */
export function list(name: string, values: number[]): number[] {
  return [...int(1, values.length), ...int(2, 7), ...text(8, name), ...bytes(7, values.flatMap(varint))];
}

export function node(
  operator: string,
  inputs: string[],
  outputs: string[],
  attributes: Record<string, number | number[]> = {},
  domain = "",
): number[] {
  const attribute = (key: string, value: number | number[]) =>
    bytes(5, [
      ...text(1, key),
      ...(typeof value === "number" ? [...int(3, value), ...int(20, 2)] : [...value.flatMap((v) => int(8, v)), ...int(20, 7)]),
    ]);
  return [
    ...inputs.flatMap((name) => text(1, name)),
    ...outputs.flatMap((name) => text(2, name)),
    ...text(3, `${operator.toLowerCase()}1`),
    ...text(4, operator),
    ...Object.entries(attributes).flatMap(([key, value]) => attribute(key, value)),
    ...text(7, domain),
  ];
}

export function value(name: string, dims: (number | string)[] | null = ["n", 2], elementType = 1): number[] {
  const shape = dims?.flatMap((n) => bytes(1, typeof n === "string" ? text(2, n) : int(1, n)));
  return [...text(1, name), ...bytes(2, bytes(1, [...int(1, elementType), ...(shape ? bytes(2, shape) : [])]))];
}

export interface Parts {
  nodes: number[][];
  tensors?: number[][];
  inputs?: number[][];
  outputs?: number[][];
  opset?: number;
  extra?: number[];
}

/** x → y with weights w [2, 3] and b [3] at hand. */
export function onnx({ nodes, tensors = [], inputs = [value("x")], outputs = [value("y")], opset = 13, extra = [] }: Parts): Uint8Array {
  const w = tensor("w", [2, 3], [1, 2, 3, 4, 5, 6]);
  const b = tensor("b", [3], [0.5, 0.25, -1]);
  const parts = [
    ...nodes.map((part) => bytes(1, part)),
    ...[w, b, ...tensors].map((part) => bytes(5, part)),
    ...inputs.map((part) => bytes(11, part)),
    ...outputs.map((part) => bytes(12, part)),
  ];
  return Uint8Array.from([...int(1, 8), ...bytes(8, [...text(1, ""), ...int(2, opset)]), ...bytes(7, [...parts.flat(), ...extra])]);
}
