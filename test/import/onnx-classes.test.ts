// Classifiers as scikit-learn's are exported: labels beside scores, scores as maps, two classes made of one score.
import { expect, test } from "vitest";
import { importOnnx } from "../../src/import/onnx.ts";
import { forward } from "../../src/model/forward.ts";
import { int, list, node, onnx, tensor, text, value } from "./write-onnx.ts";

const read = (nodes: number[][], outputs: string[]) =>
  importOnnx(
    onnx({
      nodes,
      outputs: outputs.map((name) => value(name)),
      tensors: [
        tensor("v", [2, 1], [1, -0.5]),
        tensor("one", [], [1]),
        tensor("two", [], [2]),
        names,
        list("all", [-1]),
        ...[0, 1, 2, 3].map((k) => list(`at${k}`, [k])),
      ],
    }),
    { name: "m" },
  );
/** The classes' names: strings, which nothing of the scores needs. */
const names = [...int(1, 3), ...int(2, 8), ...text(8, "names"), ...["a", "b", "c"].flatMap((name) => text(6, name))];

const several = [node("MatMul", ["x", "w"], ["h"]), node("Softmax", ["h"], ["s"]), node("Identity", ["s"], ["scores"])];
const label = [
  node("ArgMax", ["scores"], ["best"], { axis: 1 }),
  node("ArrayFeatureExtractor", ["names", "best"], ["picked"], {}, "ai.onnx.ml"),
  node("Reshape", ["picked", "all"], ["label"]),
];
const zip = (from = "scores", to = "map") => node("ZipMap", [from], [to], {}, "ai.onnx.ml");

const score = [node("MatMul", ["x", "v"], ["z"]), node("Sigmoid", ["z"], ["p"])];
const minus = node("Sub", ["one", "p"], ["q"]);
const together = (inputs = ["q", "p"], axis = 1) => node("Concat", inputs, ["scores"], { axis });

test.each<[string, number[][], string[]]>([
  ["labels first", [...several, ...label], ["label", "scores"]],
  ["labels last", [...several, ...label], ["scores", "label"]],
  ["labels of two forms", [...several, ...label], ["label", "scores", "best"]],
  ["labels as numbers", [...several, node("ArgMax", ["scores"], ["label"])], ["label", "scores"]],
  ["labels, and scores as maps", [...several, ...label, zip()], ["label", "map"]],
  ["scores as maps alone", [...several, zip()], ["map"]],
  [
    "labels that are several, as of a multilabel classifier",
    [...several, node("Binarizer", ["s"], ["bits"], {}, "ai.onnx.ml"), node("Cast", ["bits"], ["label"], { to: 7 })],
    ["label", "scores"],
  ],
])("scores are found beside %s", async (_, nodes, outputs) => {
  const model = await read(nodes, outputs);
  expect(model.layers.map(({ inputs, outputs, activation }) => [inputs, outputs, activation])).toEqual([[2, 3, "softmax"]]);
});

test.each<[string, number[][], string[]]>([
  ["with labels", [...score, minus, together(), ...label], ["label", "scores"]],
  ["with labels, as maps", [...score, minus, together(), ...label, zip()], ["label", "map"]],
  ["alone", [...score, minus, together(["q", "p"], -1)], ["scores"]],
])("one score of two classes becomes both, %s", async (_, nodes, outputs) => {
  const model = await read(nodes, outputs);
  const p = 1 / (1 + Math.exp(-2));
  const got = forward(model, Float32Array.of(3, 2));
  expect(got.length).toBe(2);
  expect(got[0]).toBeCloseTo(1 - p, 6);
  expect(got[1]).toBeCloseTo(p, 6);
});

/** The scores class by class, each a vector of its own, as `zipmap="columns"` of skl2onnx writes them. */
const columns = (classes: number[], from = "scores") =>
  classes.flatMap((k) => [
    node("Slice", [from, `at${k}`, `at${k + 1}`, "at1"], [`flat${k}`]),
    node("Reshape", [`flat${k}`, "all"], [`class${k}`]),
  ]);
const columnNames = (classes: number[]) => classes.map((k) => `class${k}`);

test.each<[string, number[]]>([
  ["with labels", [0, 1, 2]],
  ["of two classes", [0, 1]],
])("scores are found where they are handed out class by class, %s", async (_, classes) => {
  const made = classes.length === 2 ? [...score, minus, together()] : several;
  const model = await read([...made, ...label, ...columns(classes)], ["label", ...columnNames(classes)]);
  expect(model.layers.map(({ outputs, activation }) => [outputs, activation])).toEqual([[classes.length, "softmax"]]);
});

test.each<[string, number[][], string[], RegExp]>([
  [
    "fewer than all",
    [...several, ...columns([0, 1])],
    columnNames([0, 1]),
    /^m: got 2 outputs of a score each, of 3 scores, expected one of each, or one of all$/,
  ],
  ["in another order", [...several, ...columns([0, 1, 2])], columnNames([2, 1, 0]), /got 3 outputs/],
  ["one of them twice", [...several, ...columns([0, 1, 2])], columnNames([0, 1, 1]), /got 3 outputs/],
  ["beside another output", [...several, ...columns([0, 1, 2])], [...columnNames([0, 1, 2]), "h"], /got 4 outputs/],
  [
    "of two networks",
    [...several, ...columns([0, 1]), node("Identity", ["s"], ["other"]), ...columns([2], "other")],
    columnNames([0, 1, 2]),
    /got 3 outputs/,
  ],
  [
    "by operators of another domain",
    [...several, node("Slice", ["scores", "at0", "at1", "at1"], ["flat0"], {}, "own"), ...columns([0, 1, 2]).slice(1)],
    columnNames([0, 1, 2]),
    /got 3 outputs/,
  ],
])("scores class by class, %s: refused", async (_, nodes, outputs, message) => {
  await expect(read(nodes, outputs)).rejects.toMatchObject({ code: "unsupported", message: expect.stringMatching(message) });
});

const branch = /got a branch at "p", expected a straight chain/;

test.each<[string, number[][], string[], RegExp]>([
  [
    "maps that something reads",
    [...several, zip(), node("Identity", ["map"], ["y"])],
    ["y"],
    /\(ai\.onnx\.ml\.ZipMap\): got an operator that turns scores/,
  ],
  [
    "a ZipMap of another domain",
    [...several, node("ZipMap", ["scores"], ["map"])],
    ["map"],
    /\(ZipMap\): got an operator that turns scores into labels/,
  ],
  [
    "nothing but labels",
    [...several, ...label, node("TopK", ["scores", "all"], ["top"])],
    ["label", "top"],
    /got an operator that turns scores into labels/,
  ],
  ["scores twice", several, ["scores", "s"], /got 2 outputs \("scores", "s"\), expected a straight chain/],
  ["the other order", [...score, minus, together(["p", "q"])], ["scores"], branch],
  ["one class below the other", [...score, minus, together(["q", "p"], 0)], ["scores"], branch],
  ["2 - p", [...score, node("Sub", ["two", "p"], ["q"]), together()], ["scores"], branch],
  ["two classes in the middle", [...score, minus, together(), node("Relu", ["scores"], ["y"])], ["y"], branch],
  ["two of several scores", [node("MatMul", ["x", "w"], ["h"]), node("Sigmoid", ["h"], ["p"]), minus, together()], ["scores"], branch],
  ["two classes of a score without a sigmoid", [node("MatMul", ["x", "v"], ["p"]), minus, together()], ["scores"], branch],
])("%s: refused", async (_, nodes, outputs, message) => {
  await expect(read(nodes, outputs)).rejects.toMatchObject({ code: "unsupported", message: expect.stringMatching(message) });
});
