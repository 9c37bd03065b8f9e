import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/cli/data/npy.ts";
import { main } from "../../src/cli/main.ts";
import { systemClock } from "../../src/clock.ts";
import { forward } from "../../src/model/forward.ts";
import { createModel, type Model } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import { decodeModel, encodeModel } from "../../src/model/slonn-file.ts";
import { asTwoClasses } from "../../src/model/two-classes.ts";
import { decodeLadder } from "../../src/profile/decode-ladder.ts";
import { normal, seeded } from "../../src/random.ts";
import { madeUpModel } from "../made-up-models.ts";
import { expectRefusal, slonn } from "./slonn.ts";

let directory: string;
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), "slonn-cli-"))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string): string => join(directory, name);

const random = seeded(3);
const drawn = (n: number): Float32Array => Float32Array.from({ length: n }, () => normal(random));
const model: Model = createModel("tiny", [
  { name: "hidden", inputs: 6, outputs: 32, weight: drawn(192), bias: drawn(32), activation: "relu", alpha: 0 },
  { name: "out", inputs: 32, outputs: 16, weight: drawn(512), bias: drawn(16), activation: "identity", alpha: 0 },
]);
const inputs = drawn(60);
beforeAll(() => {
  writeFileSync(file("tiny.slonn"), encodeModel(model));
  writeFileSync(file("x.npy"), writeNpy(inputs, [10, 6]));
  writeFileSync(file("wide.npy"), writeNpy(drawn(70), [10, 7]));
  writeFileSync(file("y.csv"), Array.from({ length: 10 }, (_, r) => `${r % 4}\n`).join(""));
});

describe("usage", () => {
  test("explains itself on stdout when asked", async () => {
    expect(await slonn("--version")).toEqual({ code: 0, stdout: "1.2.3\n", stderr: "" });
    for (const argv of [["--help"], ["-h"], ["help"]])
      expect((await slonn(...argv)).stdout).toMatch(
        /^usage: slonn <command>[\s\S]*import[\s\S]*inspect[\s\S]*calibrate[\s\S]*run[\s\S]*bench/,
      );
    for (const name of ["import", "inspect", "calibrate", "run", "bench"]) {
      const help = await slonn(name, "--help");
      expect(help.stdout).toMatch(new RegExp(`^usage: slonn ${name} <`));
      expect(await slonn("help", name)).toEqual(help);
    }
  });

  test.each([
    [[], /got no command, expected import, inspect/],
    [["frobnicate"], /got command "frobnicate"/],
    [["help", "frobnicate"], /got command "frobnicate", expected import, inspect/],
    [["run"], /run: got no file, expected one; see slonn run --help/],
    [["run", "m.slonn"], /run: got no --data, expected --data <inputs>/],
    [["run", "m.slonn", "--nope"], /got unknown flag --nope/],
    [["run", "m.slonn", "--data"], /run: got --data without a value, expected one; see slonn run --help/],
    [["bench", "m.slonn", "--data", "x", "--samples", "many"], /got --samples "many", expected a number/],
    [["import", "m.onnx"], /got no --output/],
    [["inspect", "m.safetensors", "--activations", "relu,"], /inspect: got --activations "relu,", in which a name is missing, expected/],
    [
      ["calibrate", "m.slonn", "--data", "x", "-o", "y", "--activators", "low-rank,"],
      /calibrate: got --activators "low-rank,", in which a name is missing/,
    ],
    [["inspect", "a", "b"], /got 2 files/],
    [["calibrate", "m", "--data", "x", "-o", "y", "--max-loss", "little"], /got --max-loss "little", expected a number/],
    [["calibrate", "m", "-o", "y"], /got no --data/],
    [["run", "m", "--data", "x\nslonn: all is well", "--data", "y"], /got --data 2 times/],
  ])("answers %j with exit code 2", async (argv, message) => {
    expectRefusal(await slonn(...argv), 2, message);
  });
});

describe("refusals", () => {
  test("names what was found and expected, in one line, with exit code 1", async () => {
    expectRefusal(await slonn("inspect", file("nowhere.slonn")), 1, /nowhere\.slonn: got no such file/);
    expectRefusal(await slonn("inspect", directory), 1, /got a directory/);
    expectRefusal(await slonn("inspect", file("x.npy")), 1, /slonn: /);
    expectRefusal(await slonn("run", file("tiny.slonn"), "--data", file("wide.npy")), 1, /wide\.npy: got rows of 7 numbers, expected 6/);
    expectRefusal(
      await slonn("run", file("tiny.slonn"), "--data", file("x.npy"), "--labels", file("x.npy")),
      1,
      /got labels of shape \(10, 6\)/,
    );
    expectRefusal(await slonn("run", file("tiny.slonn"), "--data", file("x.npy"), "--slo", "speed=3"), 1, /speed/);
    expectRefusal(await slonn("bench", file("tiny.slonn"), "--data", file("x.npy"), "--samples", "0"), 1, /samples: got 0/);
    expectRefusal(
      await slonn("import", file("tiny.slonn"), "-o", file("no/such/place.slonn")),
      1,
      /got no such folder, expected a place to write to/,
    );
    const data = ["--data", file("x.npy")];
    expectRefusal(await slonn("calibrate", file("tiny.slonn"), ...data, "-o", file("no/a.slonn")), 1, /no such folder, expected a place/);
    expectRefusal(await slonn("calibrate", file("tiny.slonn"), ...data, "-o", file(".")), 1, /got a directory, expected a place/);
    expectRefusal(await slonn("run", file("tiny.slonn"), ...data, "-o", file("no/a.npy")), 1, /no such folder, expected a place/);
    expectRefusal(await slonn("run", file("tiny.slonn"), ...data, "-o", file("x.npy")), 1, /x\.npy: got the file that --data names/);
    expectRefusal(
      await slonn("run", file("tiny.slonn"), ...data, "-o", file("tiny.slonn")),
      1,
      /tiny\.slonn: got the file that <model> names/,
    );
    expectRefusal(await slonn("run", file("tiny.slonn"), ...data, "-o", "-"), 1, /-: got standard output, .*expected a place to write to/);
    const fit = ["--fit-data", file("wide.npy"), "-o", file("wide.npy")];
    expectRefusal(await slonn("calibrate", file("tiny.slonn"), ...data, ...fit), 1, /wide\.npy: got the file that --fit-data names/);
    expectRefusal(
      await slonn("run", file("tiny.slonn"), ...data, "--slo", "latency=5ms", "--latency-profile", file("no/a.json")),
      1,
      /no such folder, expected a place/,
    );
    expectRefusal(await slonn("inspect", file("two\nlines")), 1, /two\\u000alines: got no such file/);
  });

  test("keeps the files that a model names from being written over", async () => {
    const layer = { class_name: "Dense", config: { name: "d", units: 2, batch_input_shape: [null, 6], use_bias: false } };
    const weights = [{ name: "d/kernel", shape: [6, 2], dtype: "float32" }];
    const weightsManifest = [{ paths: ["shard.bin"], weights }];
    const modelTopology = { class_name: "Sequential", config: { layers: [layer] } };
    writeFileSync(file("model.json"), JSON.stringify({ modelTopology, weightsManifest }));
    const shard = new Uint8Array(drawn(12).buffer);
    writeFileSync(file("shard.bin"), shard);
    for (const argv of [["import"], ["run", "--data", file("x.npy")], ["calibrate", "--data", file("x.npy")]]) {
      const [command, ...flags] = argv;
      const refused = await slonn(command, file("model.json"), ...flags, "-o", file("shard.bin"));
      expectRefusal(refused, 1, /shard\.bin: got the file that model\.json names, expected a place to write to/);
    }
    expect(new Uint8Array(readFileSync(file("shard.bin")))).toEqual(shard);
    expect((await slonn("run", file("model.json"), "--data", file("x.npy"), "-o", file("out.npy"))).code).toBe(0);
  });

  test("names the row and column of a number that is none", async () => {
    const data = inputs.slice();
    data[13] = Number.NaN;
    writeFileSync(file("nan.npy"), writeNpy(data, [10, 6]));
    expectRefusal(await slonn("run", file("tiny.slonn"), "--data", file("nan.npy")), 1, /row 2, column 1: got NaN/);
  });
});

describe("commands", () => {
  test("inspects", async () => {
    const { code, stdout, stderr } = await slonn("inspect", file("tiny.slonn"), "--json");
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject({
      model: "tiny",
      inputs: 6,
      outputs: 16,
      macs: 704,
      parameters: 752,
      layers: [{ outputs: 32 }, { outputs: 16 }],
      calibration: null,
    });
    expect((await slonn("inspect", file("tiny.slonn"))).stdout).toMatch(/tiny: 6-32-16, 704 multiply-adds[\s\S]*not calibrated/);
  });

  test("imports", async () => {
    expect(await slonn("import", file("tiny.slonn"), "-o", file("copy.slonn"))).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/copy\.slonn: 6-32-16 \(relu, identity\), \d+ bytes\n$/),
    });
    expect(readFileSync(file("copy.slonn"))).toEqual(readFileSync(file("tiny.slonn")));
  });

  test("imports no levels that nobody could read", async () => {
    let ladder: unknown = 1;
    for (let i = 0; i < 500; i++) ladder = [ladder];
    writeFileSync(file("odd.slonn"), encodeModel({ ...model, calibration: { ladder, tensors: new Map() } }));
    const result = await slonn("import", file("odd.slonn"), "-o", file("no.slonn"));
    expectRefusal(result, 1, /^slonn: .*ladder: got a list of 1, expected an object\n$/);
    expect(existsSync(file("no.slonn"))).toBe(false);
  });

  test("imports weights in eight bits", async () => {
    const { code, stdout, stderr } = await slonn("import", file("tiny.slonn"), "--weights", "int8", "-o", file("bytes.slonn"));
    expect([code, stderr]).toEqual([0, ""]);
    const bytes = readFileSync(file("bytes.slonn"));
    expect(stdout).toMatch(new RegExp(`bytes\\.slonn: 6-32-16 \\(relu, identity\\), ${bytes.length} bytes\n$`));
    expect(decodeModel(bytes)).toEqual(quantizeModel(model));
    const { runs } = JSON.parse((await slonn("run", file("bytes.slonn"), "--data", file("x.npy"), "--slo", "exact", "--json")).stdout);
    expect(runs[0].agreement).toBe(1);
    for (const weights of ["int4", "INT8"])
      expectRefusal(
        await slonn("import", file("tiny.slonn"), "--weights", weights, "-o", file("no.slonn")),
        1,
        new RegExp(`^slonn: --weights: got "${weights}", expected int8\n$`),
      );
    expect(existsSync(file("no.slonn"))).toBe(false);
  });

  test("imports a binary classifier of one output with two, which labels of 0 and 1 fit", async () => {
    const one = madeUpModel([6, 32, 1], 4, "relu", "sigmoid");
    writeFileSync(file("one.slonn"), encodeModel(one));
    writeFileSync(
      file("classes.npy"),
      writeNpy(
        Float32Array.from({ length: 10 }, (_, i) => i % 2),
        [10],
      ),
    );
    const data = ["--data", file("x.npy"), "--labels", file("classes.npy")];
    expectRefusal(await slonn("run", file("one.slonn"), ...data), 1, /labels for a model of 1 output.*slonn import --binary/);
    expect(await slonn("import", file("one.slonn"), "--binary", "-o", file("two.slonn"))).toMatchObject({ code: 0, stderr: "" });
    expect(decodeModel(readFileSync(file("two.slonn"))).layers).toEqual(asTwoClasses(one).layers);
    expect(await slonn("run", file("two.slonn"), ...data)).toMatchObject({ code: 0, stderr: "" });
    expectRefusal(
      await slonn("import", file("tiny.slonn"), "--binary", "-o", file("no.slonn")),
      1,
      /got 16 outputs, expected the one output/,
    );
  });

  test("calibrates for the metric, the weights and the cost that are asked for", async () => {
    const many = 300;
    writeFileSync(file("many.npy"), writeNpy(drawn(many * 6), [many, 6]));
    writeFileSync(file("many.csv"), Array.from({ length: many }, (_, r) => `${r % 4}\n`).join(""));
    const argv = (...more: string[]) => [
      "calibrate",
      file("tiny.slonn"),
      "--data",
      file("many.npy"),
      "--max-loss",
      "0.1",
      "-o",
      file("c.slonn"),
      ...more,
    ];
    const labels = ["--labels", file("many.csv")];
    for (const [metric, more] of [
      ["agreement@3", []],
      ["precision@5", labels],
    ] as const) {
      const { code, stderr } = await slonn(...argv("--metric", metric, ...more));
      expect([code, stderr]).toEqual([0, ""]);
      expect(decodeLadder(decodeModel(readFileSync(file("c.slonn"))))?.metric).toBe(metric);
    }
    const { code, stdout } = await slonn(...argv("--weights", "int8"));
    expect([code, stdout]).toEqual([0, expect.stringContaining("against the weights in float32")]);
    expect(decodeLadder(decodeModel(readFileSync(file("c.slonn"))))?.reference).toBe("float32");
    const counted = async (seed: string): Promise<Buffer> => {
      expect((await slonn(...argv("--cost", "macs", "--seed", seed))).code).toBe(0);
      return readFileSync(file("c.slonn"));
    };
    const [first, second, other] = [await counted("7"), await counted("7"), await counted("8")];
    expect(second.equals(first)).toBe(true);
    expect(other.equals(first)).toBe(false);
    expectRefusal(await slonn(...argv("--cost", "bytes")), 1, /^slonn: --cost: got .*, expected time or macs\n$/);
    expectRefusal(await slonn(...argv("--weights", "int4")), 1, /^slonn: --weights: got .*, expected int8 or auto\n$/);
    expectRefusal(
      await slonn(...argv("--metric", "recall")),
      1,
      /^slonn: (--)?metric: got "?recall"?, expected accuracy, precision@1, .*agreement@5\n$/,
    );
    expectRefusal(
      await slonn(...argv("--metric", "precision@3")),
      1,
      /metric: got precision@3, expected agreement or agreement@k without labels/,
    );
    expectRefusal(
      await slonn(...argv("--metric", "agreement", ...labels)),
      1,
      /metric: got agreement, expected accuracy or precision@k beside labels/,
    );
  });

  test("runs every row once and writes the outputs of the first SLO", async () => {
    const argv = [
      "--data",
      file("x.npy"),
      "--labels",
      file("y.csv"),
      "--slo",
      "dense",
      "--slo",
      "exact",
      "--json",
      "--output",
      file("out.npy"),
    ];
    const { code, stdout, stderr } = await slonn("run", file("tiny.slonn"), ...argv);
    expect([code, stderr]).toEqual([0, ""]);
    const results = JSON.parse(stdout);
    const expected = Array.from({ length: 10 }, (_, r) => forward(model, inputs.subarray(r * 6, r * 6 + 6)));
    const right = expected.filter((output, r) => output.indexOf(Math.max(...output)) === r % 4).length;
    expect(results).toMatchObject({ model: "tiny", samples: 10, metric: "accuracy", dense: { metric: right / 10 } });
    expect(results.runs).toMatchObject([
      { slo: "dense", agreement: 1, macs: 1, nodes: [1, 1], attained: 1, certificate: null },
      { slo: "exact", agreement: 1, metric: right / 10, attained: 1 },
    ]);
    const { shape, data } = readNpy(readFileSync(file("out.npy")), "out.npy");
    expect(shape).toEqual([10, 16]);
    expected.forEach((output, r) => {
      output.forEach((value, i) => {
        expect(data[r * 16 + i]).toBeCloseTo(value, 4);
      });
    });
  });

  test("leads with the metric that was asked for", async () => {
    const labelled = ["--data", file("x.npy"), "--labels", file("y.csv"), "--slo", "exact", "--json"];
    const { stdout } = await slonn("run", file("tiny.slonn"), ...labelled, "--metric", "precision@5");
    expect(JSON.parse(stdout)).toMatchObject({ metric: "precision@5" });
    expect(JSON.parse(stdout).dense.metric).toBeGreaterThan(0);
    expect(JSON.parse(stdout).dense.metric).toBeLessThanOrEqual(0.2); // one class a row
    expect(
      JSON.parse((await slonn("bench", file("tiny.slonn"), ...labelled, "--samples", "20", "--metric", "agreement@3")).stdout),
    ).toMatchObject({
      metric: "agreement@3",
      dense: { metric: 1 },
    });
    expectRefusal(await slonn("run", file("tiny.slonn"), ...labelled, "--metric", "recall"), 1, /metric: got "recall", expected accuracy,/);
    expectRefusal(await slonn("run", file("tiny.slonn"), "--data", file("x.npy"), "--metric", "accuracy"), 1, /accuracy without labels/);
  });

  test("tells precision at 1, 3 and 5 where rows have several labels", async () => {
    writeFileSync(file("several.svm"), Array.from({ length: 10 }, (_, r) => `${r},${r + 1},${r + 5} 1:1\n`).join(""));
    const { code, stdout, stderr } = await slonn(
      "run",
      file("tiny.slonn"),
      "--data",
      file("x.npy"),
      "--labels",
      file("several.svm"),
      "--slo",
      "exact",
      "--json",
    );
    expect([code, stderr]).toEqual([0, ""]);
    const { metric, dense, runs } = JSON.parse(stdout);
    expect([metric, Object.keys(dense.precision)]).toEqual(["precision@1", ["1", "3", "5"]]);
    expect(runs[0].precision).toEqual(dense.precision);
    expect(dense.precision[1]).toBe(dense.metric);
    const expected = Array.from({ length: 10 }, (_, r) => forward(model, inputs.subarray(r * 6, r * 6 + 6)));
    const right = expected.flatMap((output, r) => {
      const best = [...output.keys()].sort((a, b) => output[b] - output[a]).slice(0, 5);
      return best.filter((o) => [r, r + 1, r + 5].includes(o));
    });
    expect(dense.precision[5]).toBeCloseTo(right.length / 50, 6);
  });

  test("benches few rows several times around, and prints a table without --json", async () => {
    const json = await slonn("bench", file("tiny.slonn"), "--data", file("x.npy"), "--slo", "exact", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ samples: 2000, metric: "agreement", dense: { metric: 1 } });
    const table = await slonn("bench", file("tiny.slonn"), "--data", file("x.npy"), "--samples", "20", "--slo", "exact");
    expect(table.stdout).toMatch(/tiny: 20 samples on [\s\S]*exact/);
    expect((await slonn("run", file("tiny.slonn"), "--data", file("x.npy"))).stdout).toMatch(/dense \(baseline\)/);
  });

  test("stops when interrupted", async () => {
    let stderr = "";
    const stopped = {
      stdout() {},
      stderr: (text: string) => void (stderr += text),
      stderrIsTerminal: false,
      clock: systemClock,
      signal: AbortSignal.abort(),
    };
    expect(await main(["run", file("tiny.slonn"), "--data", file("x.npy")], stopped)).toBe(1);
    expect(stderr).toBe("slonn: interrupted\n");
  });
});
