import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outcomeOf, type Recorded, resample } from "../../bench/evaluate/certificates.ts";
import { type Evaluation, hashByWorkName, hashName, plainName } from "../../bench/evaluate/evaluation.ts";
import { points, ratioText } from "../../bench/evaluate/markdown.ts";
import { writePages } from "../../bench/evaluate/pages.ts";
import { ratioOf } from "../../bench/evaluate/ratios.ts";
import { sizeAt, usAt } from "../../bench/evaluate/scaling-page.ts";
import { bestPeers, brokenAllowed, hashLeavingOut, verdictsOf } from "../../bench/evaluate/verdicts.ts";
import { noAnswer, type Outcome } from "../../src/calibrate/evaluate.ts";
import type { LayerSetting, Rung } from "../../src/profile/ladder.ts";
import { seeded } from "../../src/random.ts";

const run = promisify(execFile);

describe("npm run evaluate -- --tiny", () => {
  const folder = mkdtempSync(join(tmpdir(), "slonn-evaluate-"));
  let evaluation: Evaluation;
  let page = "";
  beforeAll(async () => {
    // as `npm run evaluate` does, but for a rebuild, which would pull build/ away from under other tests
    await run("npx", ["tsc", "-p", "tsconfig.bench.json", "--noCheck"]);
    await run(process.execPath, ["build/tools/bench/evaluate.js", "--tiny", "--out", folder]);
    evaluation = JSON.parse(readFileSync(join(folder, "evaluation", "evaluation.json"), "utf8"));
    page = readFileSync(join(folder, "evaluation.md"), "utf8");
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("every part comes to an end", () => {
    expect(evaluation.failed).toEqual([]);
    expect(evaluation.networks.map(({ name }) => name)).toEqual(["letters"]);
    expect(evaluation.certificates.map(({ resamples }) => resamples)).toEqual([10]);
    expect(evaluation.interference[0].runs.map(({ load }) => load)).toEqual(["none", "compute 1"]);
    expect(evaluation.scaling?.labels.map(({ size }) => size)).toEqual([512, 1024]);
    expect(evaluation.head?.contenders.map(({ name }) => name)).toEqual(["dense", "dense in floats", "exact", "agreement=0.99"]);
  });

  test("exact answers as dense does, and plain loops too", () => {
    const [dense, exact] = evaluation.networks[0].contenders;
    expect([dense.name, exact.name, exact.agreement]).toEqual(["dense", "exact", 1]);
    expect(evaluation.networks[0].contenders.find(({ name }) => name === plainName)?.right).toBe(dense.right);
    expect(dense.right).toBeGreaterThan(0.8);
  });

  test("rows of each kind are apart, and all of them are told", () => {
    expect(evaluation.networks[0].rows).toEqual({ fit: 400, search: 800, certify: 1600, report: 300 });
  });

  test("pages and plots made of the JSON again are the same, also where it holds fewer digits than was measured", async () => {
    const [first, second] = ["first", "second"].map((name) => join(folder, name));
    const { scaling } = evaluation;
    const labels = scaling?.labels.map((point) => ({ ...point, denseUs: 12.2499999 }));
    await writePages({ ...evaluation, scaling: scaling && { ...scaling, labels: labels ?? [] } }, first);
    await writePages(JSON.parse(readFileSync(join(first, "evaluation", "evaluation.json"), "utf8")), second);
    const files = readdirSync(first, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("."));
    expect(files).toContain("scaling.md");
    for (const file of files) expect(readFileSync(join(second, file), "utf8")).toBe(readFileSync(join(first, file), "utf8"));
  });

  test("the page shows every plot that was drawn, and no figure that is not one", () => {
    const plots = readdirSync(join(folder, "evaluation")).filter((name) => name.endsWith(".svg"));
    const pages = page + readFileSync(join(folder, "scaling.md"), "utf8");
    for (const plot of plots) {
      expect(pages).toContain(`evaluation/${plot})`);
      expect(readFileSync(join(folder, "evaluation", plot), "utf8")).toMatch(/^<svg xmlns=[\s\S]*<\/svg>\n$/);
    }
    for (const [, link] of pages.matchAll(/\]\((evaluation\/[^)]*)\)/g)) expect(existsSync(join(folder, link))).toBe(true);
    expect(pages).not.toMatch(/NaN|undefined|Infinity|\[object /);
  });

  test("the machine and how busy it was are named", () => {
    expect(page).toContain(evaluation.machine.runtime);
    expect(evaluation.networks[0].load).toHaveLength(2);
  });
});

/** Two settings beside dense and exact on rows whose class is 1; `wrongs` of the cheap one's answers are wrong, and it is unsure of those. */
function recordedWith(count: number, wrongs: number): Recorded {
  const rung = (setting: LayerSetting): Rung => ({ layers: [setting] });
  const ranked: LayerSetting = { kind: "ranked", activator: "low-rank", variant: 8, unit: "node", by: "top-k", amount: 0.1 };
  const outcome = (wrong: number, margin: number, ms: number): Outcome => ({
    answers: Uint32Array.from({ length: count }, (_, r) => (r < wrong ? 0 : 1)),
    tops: new Uint32Array(count * 5).fill(noAnswer),
    margins: Float32Array.from({ length: count }, (_, r) => (r < wrong ? margin / 2 : margin)),
    macs: new Float64Array(count).fill(ms),
    bytes: new Float64Array(count).fill(ms),
    rungs: new Uint8Array(count).fill(1),
    timesMs: new Float32Array(count).fill(ms),
    nodes: [1],
    rungMacs: [],
  });
  return {
    rungs: [rung({ kind: "dense" }), rung({ kind: "exact" }), rung(ranked)],
    outcomes: [outcome(0, 1, 10), outcome(0, 1, 5), outcome(wrongs, 1, 1)],
    labels: { kind: "class", count, classes: new Uint32Array(count).fill(1) },
    widths: [2],
  };
}

describe("resampled calibrations", () => {
  test("a rule that grows answers with the rung its margin sends it to", () => {
    const recorded = recordedWith(4, 2);
    const [, exact, cheap] = recorded.rungs;
    const which = Uint32Array.of(3, 0, 0);
    const grown = outcomeOf(recorded, [{ ...cheap, margin: 0.75 }, exact], which);
    expect([...grown.answers]).toEqual([1, 1, 1]);
    expect([...grown.timesMs]).toEqual([1, 6, 6]);
    expect([...grown.rungs]).toEqual([1, 2, 2]);
    expect([...grown.macs]).toEqual([1, 6, 6]);
    expect([...grown.bytes]).toEqual([1, 6, 6]);
    expect([...grown.margins]).toEqual([1, 1, 1]);
    expect([...outcomeOf(recorded, [cheap], which).answers]).toEqual([1, 0, 0]);
    expect([...recorded.outcomes[2].answers]).toEqual([0, 0, 1, 1]);
  });

  test("a level that loses too much is never taken with a certificate, one that loses nothing always", () => {
    const bad = resample(recordedWith(2000, 200), 2000, 20, seeded(1));
    expect(bad.broken.certified).toBe(0);
    const good = resample(recordedWith(2000, 0), 2000, 20, seeded(1));
    expect(good.broken).toEqual({ certified: 0, uncertified: 0 });
    expect(good.speedUp.certified).toBe(10);
  });

  test("the same seed gives the same draws", () => {
    const [a, b] = [1, 1].map((seed) => resample(recordedWith(1500, 5), 1500, 5, seeded(seed)));
    expect(a).toEqual(b);
  });

  test("more broken promises are allowed than δ, by sampling error alone", () => {
    expect(brokenAllowed(0.95, 200)).toBe(15);
    expect(brokenAllowed(0.99, 200)).toBe(4);
  });
});

test("sizes lie on lines between those measured, and beyond the largest in proportion to it", () => {
  const curve = [
    { size: 10, us: 5 },
    { size: 20, us: 30 },
  ];
  const known = [
    [0, 0],
    [4, 2],
    [10, 5],
    [12, 10],
    [20, 30],
    [200, 300],
  ];
  for (const [size, us] of known) {
    expect(usAt(curve, size)).toBeCloseTo(us, 9);
    expect(sizeAt(curve, us)).toBeCloseTo(size, 9);
  }
});

test("a ratio's interval holds the errors of both races, and one that lies outside is marked", () => {
  const interval = (ratio: number, width: number) => ({ ratio, low: ratio / width, high: ratio * width, confidence: 0.95 });
  const near = ratioOf("slow", "fast", interval(10, 1.03), interval(10.4, 1.04));
  expect([near.reproduced, near.again]).toEqual([true, 10.4]);
  expect(Math.log(near.high / near.ratio)).toBeCloseTo(Math.hypot(Math.log(1.03), Math.log(1.04)), 9);
  expect(ratioText(near)).toBe("10.0 (9.52 to 10.5)");
  const far = ratioOf("slow", "fast", interval(10, 1.03), interval(11, 1.04));
  expect(far.reproduced).toBe(false);
  expect(ratioText(far)).toBe("10.0 (9.52 to 10.5) †11.0");
  expect(ratioOf("slow", "fast", interval(10, 1.03), interval(9, 1.04)).reproduced).toBe(false);
});

test("peers in eight bits are the best where ours come in eight bits, as long as they answer well", () => {
  const one = (name: string, kind: string, p50: number, loss: number) => ({ name, kind, latencyMs: { p50 }, loss: { loss }, agreement: 1 });
  const contenders = [
    one("dense", "ours", 1, 0),
    one("tfjs", "peer", 4.5, 0.0031),
    { ...one("plain", "peer", 1, 0), loss: null, agreement: 0.9 },
    one("onnxruntime-node", "peer", 5, 0.003),
    one("onnxruntime-web", "peer", 6, 0),
    one("onnxruntime-node-int8", "peer in eight bits", 4, 0.001),
    one("onnxruntime-web-int8", "peer in eight bits", 2, 0.01),
    one("onnxruntime-node-native-int8", "peer in eight bits", 3, 0.001),
  ];
  const best = (weights: "float32" | "int8") => {
    const { usual, inFloats, hardest } = bestPeers({ contenders, weights } as unknown as Evaluation["networks"][number]);
    return [usual?.name, inFloats?.name, hardest?.name];
  };
  expect(best("float32")).toEqual(["onnxruntime-node", "onnxruntime-node", "onnxruntime-node-native-int8"]);
  expect(best("int8")).toEqual(["onnxruntime-node-int8", "onnxruntime-node", "onnxruntime-node-native-int8"]);
});

test("the hash tables to beat are those that leave nodes out", () => {
  const named = (contenders: { name: string; nodes: number[] }[]) => hashLeavingOut({ contenders } as Evaluation["networks"][number]);
  const exact = { name: hashName, nodes: [1, 1] };
  expect(named([{ name: hashName, nodes: [0.3, 1] }])).toBe(hashName);
  expect(named([exact, { name: hashByWorkName, nodes: [0.4, 1] }])).toBe(hashByWorkName);
  expect(named([exact])).toBeNull();
});

test("points have no negative zero", () => {
  expect([points(-0.00001), points(-0.002), points(0.0015)]).toEqual(["0.00", "-0.20", "0.15"]);
});

describe("verdicts", () => {
  const nothing: Evaluation = {
    version: 2,
    command: "",
    size: "full",
    machine: { cpu: "", cores: 1, memoryBytes: 1, os: "", runtime: "" },
    versions: {},
    networks: [],
    certificates: [],
    interference: [],
    scaling: null,
    head: null,
    browser: null,
    failed: [],
  };

  test("nothing is called reached without data", () => {
    expect(verdictsOf(nothing).map(({ reached }) => reached)).toEqual([null, null, null, null, null, null, null]);
  });

  type Network = Evaluation["networks"][number];
  const peer = "onnxruntime-node";
  /** A network that computes half of its nodes, takes 40 µs where dense takes 100 and an oracle 0, and is 10 times as fast as everybody. */
  function networkOf(
    name: string,
    ratios: Record<string, Partial<Network["ratios"][number]>>,
    { reached = 0.5, widths = [784, 10], limits = {} }: { reached?: number; widths?: number[]; limits?: Partial<Network["limits"]> } = {},
  ): Network {
    const kinds: Record<string, string> = { dense: "ours", "tfjs-int8": "peer in eight bits", [peer]: "peer", [hashName]: "baseline" };
    return {
      name,
      widths,
      weights: "int8",
      metric: "accuracy",
      sparsity: { layers: [{ reached }, { reached: 1 }] },
      limits: { denseUs: 100, oursUs: 40, oracleUs: 0, ...limits },
      contenders: Object.entries(kinds).map(([one, kind]) => {
        return { name: one, kind, loss: null, agreement: 1, nodes: [0.5], latencyMs: { p50: kind === "peer" ? 2 : 1 } };
      }),
      ratios: Object.keys(kinds).flatMap((slower) => [
        { slower, faster: "loss=0.01", ratio: 1000, low: 1000, high: 1000, reproduced: true },
        { slower, faster: "loss=0.003", ratio: 10, low: 9, high: 11, reproduced: true, ...ratios[slower] },
      ]),
    } as unknown as Network;
  }
  const [overDense, whole, overPeers, overFloats, overHash, image, wide, promise] = [0, 1, 2, 3, 4, 5, 6, 7];

  test.each<[string, number, Network[], boolean | null, string]>([
    [
      "the worst of those that drop is 3 times as fast",
      overDense,
      [networkOf("a", {}), networkOf("b", { dense: { ratio: 3 } }, { limits: { oracleUs: 25 } })],
      true,
      "3.00× (b; with an oracle's nodes 4.00×)",
    ],
    [
      "the worst is less than 3 times as fast",
      overDense,
      [networkOf("a", { dense: { ratio: 2.99 } }), networkOf("b", {})],
      false,
      "2.99× (a;",
    ],
    ["a run was not repeated", overDense, [networkOf("a", { dense: { reproduced: false } })], true, "10.0× † (a;"],
    ["nothing drops: then dense is no measure", overDense, [networkOf("a", {}, { reached: 0.999 })], null, "not measured"],
    [
      "nothing drops, and ours may be as fast",
      whole,
      [networkOf("a", { dense: { ratio: 0.98, high: 1 } }, { reached: 0.999 })],
      true,
      "0.980× (a)",
    ],
    [
      "nothing drops, and ours is slower",
      whole,
      [networkOf("a", { dense: { ratio: 0.98, high: 0.99 } }, { reached: 1 })],
      false,
      "0.980× (a)",
    ],
    ["next to nothing drops", whole, [networkOf("a", {}, { reached: 0.998 })], null, "not measured"],
    [
      "the best network is fast enough beside the best peer",
      overPeers,
      [networkOf("a", {}), networkOf("b", { "tfjs-int8": { ratio: 56.7 } }), networkOf("c", {})],
      true,
      "56.7× (b, tfjs-int8)",
    ],
    [
      "no network is fast enough beside the best peer",
      overPeers,
      [networkOf("a", { "tfjs-int8": { ratio: 56.6 } })],
      false,
      "56.6× (a, tfjs-int8)",
    ],
    ["one is fast enough beside peers in floats", overFloats, [networkOf("a", { [peer]: { ratio: 56.7 } })], true, `56.7× (a, ${peer})`],
    ["none is fast enough beside peers in floats", overFloats, [networkOf("a", { [peer]: { ratio: 56.6 } })], false, `56.6× (a, ${peer})`],
    [
      "hash tables may be as fast",
      overHash,
      [networkOf("a", {}), networkOf("b", { [hashName]: { ratio: 1.1, low: 1 } })],
      false,
      "1.10× (b)",
    ],
    ["hash tables are slower everywhere", overHash, [networkOf("a", { [hashName]: { ratio: 1.1, low: 1.01 } })], true, "1.10× (a)"],
    [
      "images keep enough of what an oracle saves",
      image,
      [networkOf("a", {}), networkOf("b", {}, { limits: { oursUs: 30 } })],
      true,
      "a 60 %, b 70 %",
    ],
    [
      "one image network keeps too little",
      image,
      [networkOf("a", {}), networkOf("b", {}, { limits: { oursUs: 41 } })],
      false,
      "a 60 %, b 59 %",
    ],
    ["an oracle saves next to nothing", image, [networkOf("a", {}, { limits: { oracleUs: 91 } })], null, "not measured"],
    ["an oracle saves something", image, [networkOf("a", {}, { limits: { oracleUs: 90, oursUs: 91 } })], true, "a 90 %"],
    ["wide outputs keep enough", wide, [networkOf("a", {}, { widths: [5, 256], limits: { oursUs: 20 } })], true, "a 80 %"],
    ["wide outputs keep too little", wide, [networkOf("a", {}, { widths: [5, 256], limits: { oursUs: 21 } })], false, "a 79 %"],
    ["255 outputs are not wide", wide, [networkOf("a", {}, { widths: [5, 255] })], null, "not measured"],
    ...[overDense, overPeers, overFloats, overHash].map((at): [string, number, Network[], null, string] => [
      "nothing was raced",
      at,
      [{ ...networkOf("a", {}), ratios: [] }],
      null,
      "not measured",
    ]),
    ["nothing was raced", whole, [{ ...networkOf("a", {}, { reached: 1 }), ratios: [] }], null, "not measured"],
    ["there is no other engine", overPeers, [{ ...networkOf("a", {}), contenders: [] }], null, "not measured"],
  ])("%s (%#)", (_, at, networks, reached, found) => {
    const verdict = verdictsOf({ ...nothing, networks })[at];
    expect(verdict.reached).toBe(reached);
    expect(verdict.found).toContain(found);
  });

  test.each([
    [15, true],
    [16, false],
  ])("%i of 200 promises of 95 %% broken: %s", (certified, reached) => {
    const part = { network: "a", confidence: 0.95, resamples: 200, broken: { certified, uncertified: 90 } };
    const certificates = [part] as unknown as Evaluation["certificates"];
    expect(verdictsOf({ ...nothing, certificates })[promise]).toEqual({
      what: "a: certified promises broken in at most 15 of 200 draws (5 % and sampling error)",
      found: `${certified}; without certificates 90`,
      reached,
    });
  });
});
