// Messages of onnx.proto as bytes: just those that writing a graph needs, in protobuf's wire format. It knows no network.

/** A protobuf message, or a run of its fields, as pieces that are joined once at the end: weights are never copied twice. */
export type Pieces = Uint8Array[];

/** Numbers as they come in a model file, little-endian as every machine ONNX Runtime ships for. */
export type TensorData = Float32Array | Uint8Array | Int8Array | BigInt64Array;

export const elementTypes = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const;

/** @param domain of operators that are not ONNX's own */
export function node(operator: string, inputs: readonly string[], output: string, attributes: Pieces = [], domain = ""): Pieces {
  return message(1, [
    ...inputs.flatMap((name) => text(1, name)),
    ...text(2, output),
    ...text(3, `${operator}_${output}`),
    ...text(4, operator),
    ...attributes,
    ...(domain === "" ? [] : text(7, domain)),
  ]);
}

/** A weight of the graph. */
export function initializer(name: string, shape: readonly number[], values: TensorData): Pieces {
  // dims, data_type, name, raw_data
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return message(5, [...shape.flatMap((n) => integer(1, n)), ...integer(2, elementTypeOf(values)), ...text(8, name), ...message(9, [raw])]);
}

function elementTypeOf(values: TensorData): number {
  if (values instanceof Float32Array) return elementTypes.float32;
  if (values instanceof BigInt64Array) return elementTypes.int64;
  return values instanceof Int8Array ? elementTypes.int8 : elementTypes.uint8;
}

/** A dimension is a number, or a name where it differs from query to query. */
export function valueInfo(name: string, elementType: number, shape: readonly (number | string)[]): Pieces {
  const dimensions = shape.flatMap((n) => message(1, typeof n === "number" ? integer(1, n) : text(2, n)));
  const tensorType = [...integer(1, elementType), ...message(2, dimensions)];
  return [...text(1, name), ...message(2, message(1, tensorType))];
}

export function integerAttribute(name: string, value: number): Pieces {
  return message(5, [...text(1, name), ...integer(3, value), ...integer(20, 2)]);
}

export function floatAttribute(name: string, value: number): Pieces {
  const float = new Uint8Array(5);
  float[0] = (2 << 3) | 5;
  new DataView(float.buffer).setFloat32(1, value, true);
  return message(5, [...text(1, name), float, ...integer(20, 1)]);
}

export function textAttribute(name: string, value: string): Pieces {
  return message(5, [...text(1, name), ...text(4, value), ...integer(20, 3)]);
}

// Protobuf's wire format: a varint key (field number and wire type), then a varint, four bytes, or a length and that many bytes.

export function integer(field: number, value: number): Pieces {
  return [Uint8Array.from([...varint(BigInt(field << 3)), ...varint(BigInt(value))])];
}

export function text(field: number, value: string): Pieces {
  return message(field, [new TextEncoder().encode(value)]);
}

export function message(field: number, content: Pieces): Pieces {
  return [Uint8Array.from([...varint(BigInt((field << 3) | 2)), ...varint(BigInt(sizeOf(content)))]), ...content];
}

/** Seven bits a byte, least significant first; a negative number as its 64-bit two's complement. */
function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return bytes;
}

export function sizeOf(pieces: Pieces): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

export function join(pieces: Pieces, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
