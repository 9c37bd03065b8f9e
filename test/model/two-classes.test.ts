import { describe, expect, test } from "vitest";
import { calibrate } from "../../src/calibrate/calibrate.ts";
import { forward } from "../../src/model/forward.ts";
import type { Model } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import { type Rows, rowOf } from "../../src/model/rows.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { asTwoClasses } from "../../src/model/two-classes.ts";
import { decodeLadder } from "../../src/profile/decode-ladder.ts";
import { createSession } from "../../src/session/session.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

const rows = madeUpRows(900, 12, 2);
const answers = (model: Model, on: Rows & { kind: "dense" } = rows): Float32Array[] =>
  Array.from({ length: on.count }, (_, r) => forward(model, rowOf(on, r) as Float32Array));

describe("a binary classifier of one output", () => {
  test("of a sigmoid answers with the probabilities of both classes", () => {
    const one = madeUpModel([12, 40, 1], 3, "relu", "sigmoid");
    const two = answers(asTwoClasses(one));
    answers(one).forEach(([p], r) => {
      expect(two[r][0]).toBeCloseTo(1 - p, 6);
      expect(two[r][1]).toBeCloseTo(p, 6);
    });
  });

  test("of a logit keeps it, beside 0, in eight bits too", () => {
    const one = madeUpModel([12, 40, 1], 3);
    const logits = answers(one).map(([z]) => [0, z]);
    expect(answers(asTwoClasses(one)).map((both) => [...both])).toEqual(logits);
    const bytes = quantizeModel(one);
    expect(answers(asTwoClasses(bytes)).map((both) => [...both])).toEqual(answers(bytes).map(([z]) => [0, z]));
  });

  test("can be calibrated then, and its session answers with the class on whose side of one half it is", async () => {
    const one = madeUpModel([12, 160, 1], 6, "relu", "sigmoid");
    await expect(calibrate(one, { rows })).rejects.toMatchObject({ code: "bad-model", message: expect.stringContaining("--binary") });
    const classes = Uint32Array.from(answers(one), ([p], r) => Number(p > 0.5) ^ Number(r % 10 === 0));
    const labels = { kind: "class", count: rows.count, classes } as const;
    const model = await calibrate(asTwoClasses(one), { rows, labels, maxLoss: 0.02, cost: "macs" });
    const { levels } = decodeLadder(model) ?? { levels: [] };
    expect(levels.some(({ rungs }) => rungs[0].layers[0].kind === "ranked")).toBe(true);
    const session = await createSession(model);
    answers(one).forEach(([p], r) => {
      expect(session.run(rowOf(rows, r), { exact: true }).output.top(1)[0].index).toBe(Number(p > 0.5));
    });
    session.dispose();
  });

  test("is told from other networks, and a network from what is none, as every door tells it", async () => {
    const [none, refused] = [{} as Model, /model: got an object, expected what loadModel or createModel gives/];
    expect(() => asTwoClasses(none)).toThrow(refused);
    expect(() => encodeModel(none)).toThrow(refused);
    await expect(calibrate(none, { rows })).rejects.toThrow(refused);
    await expect(createSession(none)).rejects.toThrow(refused);
    expect(() => asTwoClasses(madeUpModel([4, 3], 1))).toThrow(/got 3 outputs, expected the one output of a binary classifier/);
    expect(() => asTwoClasses(madeUpModel([4, 1], 1, "relu", "tanh"))).toThrow(/got activation tanh, expected sigmoid, or identity/);
  });
});
