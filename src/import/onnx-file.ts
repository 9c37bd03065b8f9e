// An ONNX file as plain data: the messages of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) that a straight chain of
// dense layers can need. Tensors stay undecoded until asked for. It does not know what operators mean.
//
// Read by hand because decoders generated from onnx.proto build every message at once and recurse as deep as the file says: of 10 MB
// made for the purpose, npm's onnx-proto makes 880 MB in four seconds, or overflows the stack. Here depth is fixed and counts are bounded.

import { refusal, SlonnError } from "../errors.ts";
import { sizeOf } from "../model/tensor.ts";
import { quoted } from "../quoted.ts";
import { pathBeside } from "./beside.ts";
import { visitFields, visitVarints } from "./protobuf.ts";

export interface OnnxFile {
  /** Version of the default operator set. */
  opset: number;
  nodes: OnnxNode[];
  initializers: Map<string, OnnxTensor>;
  inputs: OnnxValue[];
  outputs: string[];
  /** Full names of the functions the file defines. */
  functions: Set<string>;
}

export interface OnnxNode {
  name: string;
  operator: string;
  /** "" is the default operator set. */
  domain: string;
  /** Names of values; "" where an optional one is left out. */
  inputs: string[];
  outputs: string[];
  attributes: Map<string, OnnxAttribute>;
}

/** What kinds of value an attribute holds; several only in files that contradict themselves. */
export interface OnnxAttribute {
  float?: number;
  int?: number;
  string?: string;
  tensor?: OnnxTensor;
  ints?: number[];
  floats?: number[];
}

export interface OnnxValue {
  name: string;
  /** TensorProto.DataType, 0 where it is no tensor or not said. */
  elementType: number;
  /** null where no shape is said; a null size is symbolic or unknown. */
  dims: (number | null)[] | null;
}

export interface OnnxTensor {
  name: string;
  dims: number[];
  /** TensorProto.DataType. */
  elementType: number;
  /** The TensorProto itself; numbers stored as fields are read from it when asked for. */
  message: Uint8Array;
  raw: Uint8Array | null;
  /** A length of null: as many bytes as the shape says. */
  external: { location: string; offset: number; length: number | null } | null;
}

/** Limits that no network worth running meets: they bound what a hostile file can make of few bytes. */
const limits = { messages: 1 << 18, dimensions: 32, listItems: 1 << 16 } as const;

/** The default domain has two names. */
const domainOf = (text: string): string => (text === "ai.onnx" ? "" : text);

/** What an operator or a function is called: its domain and name, or the name alone in the default domain. */
export function fullName(domain: string, operator: string): string {
  return domain === "" ? operator : `${domain}.${operator}`;
}

/**
 * Reads an ONNX model.
 * @param name what messages call the file.
 * @throws SlonnError `bad-file` where it is none or contradicts itself, `unsupported` past the limits above.
 */
export function readOnnxFile(bytes: Uint8Array, name: string): OnnxFile {
  let messages = 0;
  const count = () => {
    if (++messages > limits.messages) throw refusal("unsupported", name, `more than ${limits.messages} parts`, "a smaller graph");
  };
  const bad = (found: string) => new SlonnError("bad-file", `${name}: ${found}`);
  const decoder = new TextDecoder();

  /** Visits a message, giving each field's bytes as views; `text`, `bytes` and `list` refuse other wire types than the field has. */
  const read = (message: Uint8Array, what: string, visit: (field: number, value: Value) => void) => {
    count();
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    const subject = `${name}: ${what}`;
    visitFields(message, subject, (field, wire, start, end, number) => {
      const as = <T>(expected: number, content: () => T): T => {
        if (wire !== expected) throw bad(`${what}: got wire type ${wire} in field ${field}, expected ${expected}`);
        return content();
      };
      visit(field, {
        bytes: () => as(2, () => message.subarray(start, end)),
        text: () => {
          count();
          return as(2, () => decoder.decode(message.subarray(start, end)));
        },
        int: () => as(0, () => number),
        float: () => as(5, () => view.getFloat32(start, true)),
        intsInto: (list, most) => {
          const push = (value: number) => {
            if (list.push(value) > most) throw refusal("unsupported", subject, `more than ${most} numbers in field ${field}`, "fewer");
          };
          if (wire === 2) visitVarints(message.subarray(start, end), subject, push);
          else push(as(0, () => number));
        },
        floatsInto: (list, most) => {
          if (wire !== 2 && wire !== 5) throw bad(`${what}: got wire type ${wire} in field ${field}, expected 2 or 5`);
          for (let at = start; at + 4 <= end; at += 4)
            if (list.push(view.getFloat32(at, true)) > most)
              throw refusal("unsupported", subject, `more than ${most} numbers in field ${field}`, "fewer");
        },
      });
    });
  };

  const readTensor = (message: Uint8Array): OnnxTensor => {
    const tensor: OnnxTensor = { name: "", dims: [], elementType: 0, message, raw: null, external: null };
    const external: Record<string, string> = {};
    let elsewhere = false;
    let segmented = false;
    read(message, "tensor", (field, value) => {
      if (field === 1) value.intsInto(tensor.dims, limits.dimensions);
      else if (field === 2) tensor.elementType = value.int();
      else if (field === 3) segmented = true;
      else if (field === 8) tensor.name = value.text();
      else if (field === 9) tensor.raw = value.bytes();
      else if (field === 14) elsewhere = value.int() === 1;
      else if (field === 13) {
        let [key, text] = ["", ""];
        read(value.bytes(), "external data", (part, held) => {
          if (part === 1) key = held.text();
          else if (part === 2) text = held.text();
        });
        if (key === "location" || key === "offset" || key === "length") external[key] = text;
      }
    });
    const subject = `tensor ${quoted(tensor.name)}`;
    if (segmented) throw refusal("unsupported", `${name}: ${subject}`, "a segmented tensor", "a whole one");
    if (Number.isNaN(sizeOf(tensor.dims)))
      throw bad(`${subject}: got an impossible shape [${tensor.dims.join(", ")}], expected sizes of 0 or more`);
    if (elsewhere) {
      const { offset = "0", length } = external;
      const location = pathBeside(external.location ?? "");
      if (location === null)
        throw bad(`${subject}: got external location ${quoted(external.location ?? "")}, expected a file beside or below the model`);
      for (const text of [offset, length])
        if (text !== undefined && !/^\d{1,15}$/.test(text))
          throw bad(`${subject}: got external offset or length ${quoted(text)}, expected a number of bytes`);
      tensor.external = { location, offset: Number(offset), length: length === undefined ? null : Number(length) };
    }
    return tensor;
  };

  const sparse = (message: Uint8Array): SlonnError => {
    let tensor = "";
    read(message, "sparse tensor", (field, value) => {
      if (field === 1) tensor = readTensor(value.bytes()).name; // its values carry the name
    });
    return refusal("unsupported", `${name}: sparse initializer ${quoted(tensor)}`, "a sparse tensor", "a dense one");
  };

  const readAttribute = (message: Uint8Array, attributes: Map<string, OnnxAttribute>) => {
    let key = "";
    let type = 0;
    const attribute: OnnxAttribute = {};
    read(message, "attribute", (field, value) => {
      if (field === 1) key = value.text();
      else if (field === 2) attribute.float = value.float();
      else if (field === 3) attribute.int = value.int();
      else if (field === 4) attribute.string = value.text();
      else if (field === 5) attribute.tensor = readTensor(value.bytes());
      else if (field === 7) value.floatsInto((attribute.floats ??= []), limits.listItems);
      else if (field === 8) value.intsInto((attribute.ints ??= []), limits.listItems);
      else if (field === 20) type = value.int();
    });
    // Some writers leave out zeros and empty lists; then only the type says what was meant.
    if (type === 1) attribute.float ??= 0;
    else if (type === 2) attribute.int ??= 0;
    else if (type === 3) attribute.string ??= "";
    else if (type === 6) attribute.floats ??= [];
    else if (type === 7) attribute.ints ??= [];
    if (attributes.has(key)) throw bad(`node: got attribute ${quoted(key)} twice, expected it once`);
    attributes.set(key, attribute);
  };

  const readNode = (message: Uint8Array): OnnxNode => {
    const node: OnnxNode = { name: "", operator: "", domain: "", inputs: [], outputs: [], attributes: new Map() };
    read(message, "node", (field, value) => {
      if (field === 1) node.inputs.push(value.text());
      else if (field === 2) node.outputs.push(value.text());
      else if (field === 3) node.name = value.text();
      else if (field === 4) node.operator = value.text();
      else if (field === 5) readAttribute(value.bytes(), node.attributes);
      else if (field === 7) node.domain = domainOf(value.text());
    });
    return node;
  };

  const readValue = (message: Uint8Array): OnnxValue => {
    const info: OnnxValue = { name: "", elementType: 0, dims: null };
    read(message, "value", (field, value) => {
      if (field === 1) info.name = value.text();
      if (field !== 2) return;
      read(value.bytes(), "type", (kind, type) => {
        if (kind !== 1) return; // a tensor type; other kinds leave elementType 0
        read(type.bytes(), "tensor type", (part, held) => {
          if (part === 1) info.elementType = held.int();
          if (part !== 2) return;
          const dims: (number | null)[] = [];
          info.dims = dims;
          read(held.bytes(), "shape", (one, dim) => {
            if (one !== 1) return;
            if (dims.push(null) > limits.dimensions)
              throw refusal("unsupported", `${name}: ${quoted(info.name)}`, `more than ${limits.dimensions} dimensions`, "fewer");
            read(dim.bytes(), "dimension", (choice, size) => {
              if (choice === 1 && size.int() > 0) dims[dims.length - 1] = size.int(); // 0 and -1 are how some exporters say unknown
            });
          });
        });
      });
    });
    return info;
  };

  const file: OnnxFile = { opset: 0, nodes: [], initializers: new Map(), inputs: [], outputs: [], functions: new Set() };
  let graph: Uint8Array | null = null;
  read(bytes, "ONNX model", (field, value) => {
    if (field === 7) {
      if (graph) throw bad("got two graphs, expected one");
      graph = value.bytes();
    } else if (field === 8) {
      let [domain, version] = ["", 0];
      read(value.bytes(), "operator set", (part, held) => {
        if (part === 1) domain = held.text();
        else if (part === 2) version = held.int();
      });
      if (domainOf(domain) === "") file.opset = version;
    } else if (field === 25) {
      let [domain, called] = ["", ""];
      read(value.bytes(), "function", (part, held) => {
        if (part === 1) called = held.text();
        else if (part === 10) domain = held.text();
      });
      file.functions.add(fullName(domainOf(domain), called));
    }
  });
  if (!graph) throw bad("got no graph, expected an ONNX model");
  read(graph, "graph", (field, value) => {
    if (field === 1) file.nodes.push(readNode(value.bytes()));
    else if (field === 5) {
      const tensor = readTensor(value.bytes());
      if (file.initializers.has(tensor.name)) throw bad(`initializer ${quoted(tensor.name)}: got it twice, expected each name once`);
      file.initializers.set(tensor.name, tensor);
    } else if (field === 11) file.inputs.push(readValue(value.bytes()));
    else if (field === 12) file.outputs.push(readValue(value.bytes()).name);
    else if (field === 15) throw sparse(value.bytes());
  });
  return file;
}

/** One field's content; each call refuses the field when it is wired otherwise. */
interface Value {
  bytes(): Uint8Array;
  text(): string;
  int(): number;
  float(): number;
  intsInto(list: number[], most: number): void;
  floatsInto(list: number[], most: number): void;
}
