import { describe, expect, test } from "vitest";
import { buildKerasModel, type WeightLookup } from "../../src/import/keras-layers.ts";
import { forward } from "../../src/model/forward.ts";
import { refusal } from "./golden-files.ts";

type Layer = [className: string, config?: Record<string, unknown>, weights?: Record<string, [shape: number[], data: number[]]>];

const dense = (units: number, activation = "linear", inputs = 2): Layer => [
  "Dense",
  { units, activation },
  {
    kernel: [[inputs, units], Array.from({ length: inputs * units }, (_, i) => (i % 5) - 1.5)],
    bias: [[units], Array.from({ length: units }, (_, i) => i - 0.5)],
  },
];
const norm = (n: number, config = {}): Layer => [
  "BatchNormalization",
  config,
  {
    gamma: [[n], Array(n).fill(2)],
    beta: [[n], Array(n).fill(1)],
    moving_mean: [[n], Array(n).fill(3)],
    moving_variance: [[n], Array(n).fill(3.999)],
  },
];

/** A number as Keras 3 stores some, so many times over. */
function wrapped(times: number): unknown {
  let value: unknown = 1e-3;
  for (let i = 0; i < times; i++) value = { class_name: "__numpy__", config: { value } };
  return value;
}

function build(layers: readonly Layer[], shape: (number | null)[] | null = [2]) {
  const weights: WeightLookup = ([layer], weight) => {
    const found = layers[Number(layer.slice(1))][2]?.[weight];
    return found && { path: `${layer}/${weight}`, shape: found[0], read: () => Float32Array.from(found[1]) };
  };
  const configs = layers.map(([class_name, config], l) => ({
    class_name,
    config: { name: `l${l}`, ...(l === 0 && shape ? { batch_input_shape: [null, ...shape] } : {}), ...config },
  }));
  return buildKerasModel("m", { class_name: "Sequential", config: { layers: configs } }, weights);
}

describe("buildKerasModel", () => {
  test("computes W x + b with rows of W as nodes", () => {
    const { layers } = build([dense(3)]);
    expect([...(layers[0].weight as Float32Array)]).toEqual([-1.5, 1.5, -0.5, 2.5, 0.5, -1.5]);
    expect([...layers[0].bias]).toEqual([-0.5, 0.5, 1.5]);
  });

  test.each([
    { module: null, class_name: "LeakyReLU", registered_name: "mine>LeakyReLU", config: { negative_slope: 0.3 } },
    { module: null, class_name: "ReLU", registered_name: "ReLU", config: {} },
    { module: "builtins", class_name: "function", registered_name: "mine>gelu", config: "gelu" },
  ])("does not take a program's own $registered_name for the built-in activation", async (activation) => {
    const [name, config, weights] = dense(2);
    const error = await refusal(() => build([[name, { ...config, activation }, weights]]));
    expect([error.code, error.message]).toEqual(["unsupported", expect.stringMatching(/got activation "(mine|custom)>/)]);
  });

  test("folds normalization exactly on either side of a dense layer", () => {
    const x = Float32Array.of(0.7, -1.2);
    const bn = (v: number): number => (2 * (v - 3)) / Math.sqrt(3.999 + 1e-3) + 1;
    const plain = forward(build([dense(2)]), x);
    const after = forward(build([dense(2), norm(2)]), x);
    const before = forward(build([norm(2), dense(2)]), x);
    const inner = forward(build([dense(2)]), x.map(bn));
    for (let i = 0; i < 2; i++) {
      expect(after[i]).toBeCloseTo(bn(plain[i]), 5);
      expect(before[i]).toBeCloseTo(inner[i], 5);
    }
    // Past an activation it goes into the next dense layer.
    const relu = forward(build([dense(2, "relu")]), x);
    const between = forward(build([dense(2, "relu"), norm(2), ["Dropout"], dense(2)]), x);
    const expected = forward(build([dense(2)]), relu.map(bn));
    for (let i = 0; i < 2; i++) expect(between[i]).toBeCloseTo(expected[i], 4);
  });

  test("rounds once, however many scalings are folded", () => {
    const scalings: Layer[] = Array(10).fill(["Rescaling", { scale: 0.7, offset: 0.1 }]);
    const plain = build([dense(3)]).layers[0];
    const weight = Array.from(plain.weight as Float32Array, (w) => Math.fround(w * 0.7 ** 10));
    expect([...(build([dense(3), ...scalings]).layers[0].weight as Float32Array)]).toEqual(weight);
    expect([...(build([...scalings, dense(3)]).layers[0].weight as Float32Array)]).toEqual(weight);
  });

  test("normalizes along the axis it is told", () => {
    const stats = (n: number): Layer => [
      "BatchNormalization",
      { axis: n === 2 ? 1 : 2, scale: false, center: false, epsilon: 0 },
      { moving_mean: [[n], [...Array(n).keys()]], moving_variance: [[n], Array(n).fill(1)] },
    ];
    const sum: Layer = [
      "Dense",
      { units: 6, use_bias: false },
      { kernel: [[6, 6], Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0))] },
    ];
    const run = (n: number): number[] => [...forward(build([stats(n), ["Flatten"], sum], [2, 3]), new Float32Array(6))].map((v) => v + 0);
    expect(run(2)).toEqual([0, 0, 0, -1, -1, -1]);
    expect(run(3)).toEqual([0, -1, -2, 0, -1, -2]);
  });

  test("takes what changes nothing", () => {
    const names = [
      "InputLayer",
      "Dropout",
      "SpatialDropout1D",
      "GaussianDropout",
      "GaussianNoise",
      "AlphaDropout",
      "ActivityRegularization",
      "Identity",
    ];
    const { layers } = build([...names.map((name): Layer => [name]), dense(2), ["Activation", { activation: "linear" }]]);
    expect(layers.length).toBe(1);
    expect(build([dense(2, "relu"), ["ReLU"]]).layers[0].activation).toBe("relu");
  });

  test("reads Normalization from its configuration, both ways", () => {
    const eye: Layer = [
      "Dense",
      { units: 2, use_bias: false },
      {
        kernel: [
          [2, 2],
          [1, 0, 0, 1],
        ],
      },
    ];
    const config = { mean: [[1, 0]], variance: [[4, 0]], axis: -1 };
    const there = forward(build([["Normalization", config], eye]), Float32Array.of(3, 0));
    expect([...there]).toEqual([1, 0]);
    expect([...forward(build([["Normalization", { ...config, invert: true }], eye]), there)]).toEqual([3, 0]);
    expect([...forward(build([["Normalization", { mean: 1, variance: 4, axis: null }], eye]), Float32Array.of(3, 5))]).toEqual([1, 2]);
  });

  test.each<[string, string, RegExp, Layer[], ((number | null)[] | null)?]>([
    [
      "scaling between two activations",
      "unsupported",
      /m: layer "l1" \(BatchNormalization\): got a place between two activations/,
      [dense(2, "relu"), norm(2), ["ReLU"]],
    ],
    [
      "scaling after the last activation",
      "unsupported",
      /layer "l1" \(BatchNormalization\): got no dense layer beside it/,
      [dense(2, "relu"), norm(2)],
    ],
    [
      "two activations in a row",
      "unsupported",
      /layer "l1" \(Activation\): got tanh on top of relu/,
      [dense(2, "relu"), ["Activation", { activation: "tanh" }]],
    ],
    ["an activation of the input", "unsupported", /layer "l0" \(ReLU\): got an activation before any Dense layer/, [["ReLU"], dense(2)]],
    [
      "quantised weights",
      "unsupported",
      /layer "l0" \(Dense\): got quantised weights \("int8"\), expected floats/,
      [["Dense", { units: 2, dtype: { class_name: "QuantizedDTypePolicy", config: { mode: "int8" } } }, dense(2)[2]]],
    ],
    [
      "quantised weights of another form",
      "unsupported",
      /layer "l0" \(Dense\): got quantised weights, expected floats/,
      [["Dense", { units: 2, quantization_config: { class_name: "Int4QuantizationConfig" } }, dense(2)[2]]],
    ],
    [
      "a LoRA adapter",
      "unsupported",
      /layer "l0" \(Dense\): got a LoRA adapter of rank 2 beside its kernel/,
      [["Dense", { units: 2, lora_rank: 2 }, dense(2)[2]]],
    ],
    [
      "normalization of what hardly varies, far from zero",
      "unsupported",
      /layer "l0" \(Normalization\): got a shift that puts .* subtract the mean from the data/,
      [["Normalization", { mean: 2, variance: 0, axis: null }], dense(2)],
    ],
    [
      "an activation that is code",
      "unsupported",
      /layer "l0" \(Dense\): got an activation written in Python \(a lambda\), expected one of linear, relu/,
      [["Dense", { units: 2, activation: { value: ["4wEA", null, null] } }, dense(2)[2]]],
    ],
    ["softmax inside", "bad-model", /softmax on a hidden layer/, [dense(2, "softmax"), dense(2)]],
    ["a capped ReLU", "unsupported", /layer "l1" \(ReLU\): got max_value 6/, [dense(2), ["ReLU", { max_value: 6 }]]],
    ["a ReLU with a threshold", "unsupported", /got threshold 1, expected 0/, [dense(2), ["ReLU", { threshold: 1 }]]],
    ["dense layers over rows", "unsupported", /samples of shape \[3,2\], expected one dimension/, [dense(2)], [3, 2]],
    ["dense layers over rows of unknown number", "unsupported", /samples of shape \[null,2\]/, [dense(2)], [null, 2]],
    ["softmax over another axis", "unsupported", /layer "l1" \(Softmax\): got axis 0/, [dense(2), ["Softmax", { axis: 0 }]]],
    ["a flatten that reorders", "unsupported", /channels_first/, [["Flatten", { data_format: "channels_first" }], dense(2)], [2, 1, 1]],
    [
      "a reshape that does not fit",
      "bad-file",
      /got target_shape \[3\], expected one of 2 numbers/,
      [["Reshape", { target_shape: [3] }], dense(2)],
    ],
    ["normalization of another width", "bad-file", /of shape \[3\], expected \[2\]/, [dense(2), norm(3)]],
    [
      "a number wrapped again and again",
      "bad-file",
      /got an object, expected a finite number/,
      [dense(2), ["BatchNormalization", { epsilon: wrapped(20_000) }, norm(2)[2]]],
    ],
    [
      "normalization that divides by zero",
      "bad-model",
      /expected finite factors/,
      [
        dense(2),
        ["BatchNormalization", { epsilon: 0, scale: false, center: false }, { moving_mean: [[2], [0, 0]], moving_variance: [[2], [1, 0]] }],
      ],
    ],
    [
      "weights that are not finite",
      "bad-model",
      /expected finite numbers/,
      [
        [
          "Dense",
          { units: 1, use_bias: false },
          {
            kernel: [
              [2, 1],
              [1, Number.NaN],
            ],
          },
        ],
      ],
    ],
    ["dimensions without end", "unsupported", /got samples of 33 dimensions, expected at most 32/, [dense(2)], Array(33).fill(1)],
    [
      "dimensions without end on the way",
      "unsupported",
      /got samples of 33 dimensions, expected at most 32/,
      [["Reshape", { target_shape: [...Array(32).fill(1), -1] }], dense(2)],
    ],
    ["a billion inputs", "unsupported", /expected 1 to \d+ numbers/, [["Flatten"], dense(2)], [2 ** 30, 2 ** 30]],
    [
      "scalings without end",
      "unsupported",
      /more than 16 scaling layers in a row/,
      [...Array(17).fill(["Rescaling", { scale: 2 }]), dense(2)],
    ],
    [
      "scalings without end after",
      "unsupported",
      /more than 16 scaling layers in a row/,
      [dense(2), ...Array(17).fill(["Rescaling", { scale: 2 }])],
    ],
    [
      "other classes",
      "unsupported",
      /layer "l1" \(Conv2D\): got class "Conv2D", expected one of Dense, Activation/,
      [dense(2), ["Conv2D"]],
    ],
  ])("refuses %s", async (_, code, message, layers, shape = [2]) => {
    const error = await refusal(() => build(layers, shape));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });
});

describe("functional models", () => {
  const node = (...from: string[]): unknown => [from.map((name) => [name, 0, 0, {}])];
  const tensor = (from: string): object => ({ class_name: "__keras_tensor__", config: { keras_history: [from, 0, 0] } });
  const layer = (name: string, class_name: string, inbound_nodes: unknown, config = {}): object => ({
    name,
    class_name,
    config: { name, ...config },
    inbound_nodes,
  });
  const input = layer("in", "InputLayer", [], { batch_input_shape: [null, 2] });
  const dense = (name: string, from: unknown): object => layer(name, "Dense", from, { units: 2, use_bias: false });
  const model = (layers: object[], config = {}) =>
    buildKerasModel(
      "m",
      { class_name: "Functional", config: { layers, input_layers: [["in", 0, 0]], output_layers: [["out", 0, 0]], ...config } },
      ([name], weight) => (weight === "kernel" ? { path: name, shape: [2, 2], read: () => Float32Array.of(1, 2, 3, 4) } : undefined),
    );

  test("follows connections, whatever the order in the file", () => {
    expect(model([dense("out", node("a")), input, dense("a", node("in"))]).layers.map(({ name }) => name)).toEqual(["a", "out"]);
  });

  test.each<[string, string, RegExp, object[], object?]>([
    ["a branch", "unsupported", /layer "b" off the way from input to output/, [input, dense("out", node("in")), dense("b", node("in"))]],
    [
      "a merge",
      "unsupported",
      /layer "out" \("Add"\): got 2 inputs, expected one/,
      [input, dense("a", node("in")), layer("out", "Add", node("in", "a"))],
    ],
    [
      "a merge as Keras 3 writes it",
      "unsupported",
      /layer "out" \("Add"\): got 2 inputs, expected one/,
      [input, dense("a", node("in")), layer("out", "Add", [{ args: [[tensor("in"), tensor("a")]], kwargs: {} }])],
    ],
    [
      "an operator on a number",
      "unsupported",
      /layer "out" \("Multiply"\): got 2 inputs, expected one/,
      [input, layer("out", "Multiply", [{ args: [tensor("in"), 2], kwargs: {} }])],
    ],
    ["a layer used twice", "unsupported", /got 2 uses of the layer/, [input, dense("out", [[["in", 0, 0]], [["in", 0, 0]]])]],
    ["a cycle", "bad-file", /cycle through layer "out"/, [input, dense("a", node("out")), dense("out", node("a"))]],
    ["a connection to nowhere", "bad-file", /connection from "b"/, [input, dense("out", node("b"))]],
    [
      "two inputs",
      "unsupported",
      /got 2 inputs/,
      [input, dense("out", node("in"))],
      {
        input_layers: [
          ["in", 0, 0],
          ["in", 0, 0],
        ],
      },
    ],
    [
      "two outputs",
      "unsupported",
      /got 2 outputs/,
      [input, dense("out", node("in"))],
      {
        output_layers: [
          ["in", 0, 0],
          ["out", 0, 0],
        ],
      },
    ],
  ])("refuses %s", async (_, code, message, layers, config = {}) => {
    const error = await refusal(() => model(layers, config));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  test("refuses models nested without end", async () => {
    let nested: object = { class_name: "Dense", config: { name: "d", units: 1 } };
    for (let i = 0; i < 500; i++) nested = { class_name: "Sequential", config: { name: "s", layers: [nested] } };
    expect((await refusal(() => buildKerasModel("m", nested, () => undefined))).message).toMatch(/nested 17 deep, expected at most 16/);
  });

  test("does not take a registered class for the built-in one of that name", async () => {
    const custom = { class_name: "Dense", registered_name: "mine>Dense", config: { name: "d", units: 1 } };
    const error = await refusal(() => buildKerasModel("m", { class_name: "Sequential", config: { layers: [custom] } }, () => undefined));
    expect(error.message).toMatch(/got class "mine>Dense"/);
  });
});
