// Decisions are made once: counted by how often one is asked for anew.

import fc from "fast-check";
import { expect, test } from "vitest";
import { createModel } from "../../src/model/model.ts";
import { uncalibratedLevels } from "../../src/policy/levels.ts";
import { checkSlo, type Slo } from "../../src/policy/slo.ts";
import { createDecisions } from "../../src/session/decisions.ts";
import { createPacing } from "../../src/session/pacing.ts";

function counted() {
  const layer = { name: "l", inputs: 1, outputs: 2, weight: new Float32Array(2), bias: new Float32Array(2), alpha: 0 };
  const pacing = createPacing(uncalibratedLevels(createModel("m", [{ ...layer, activation: "identity" as const }])), null, {});
  const made: (Slo | undefined)[] = [];
  const decisions = createDecisions((slo) => {
    made.push(slo);
    return pacing.decide(slo);
  });
  return { decisions, made };
}

test("what was asked lately is recalled, whoever asks it, until it is forgotten", () => {
  const { decisions, made } = counted();
  expect(decisions.recall(undefined)).toBeUndefined();
  const none = decisions.of(undefined, true);
  const loss = decisions.of(checkSlo({ loss: 0.1 }), true);
  expect(decisions.recall(undefined)).toBe(none);
  expect(decisions.recall({ loss: 0.1 })).toBe(loss);
  expect(decisions.recall({ loss: 0.2 })).toBeUndefined();
  expect(decisions.of({ loss: 0.1 }, true)).toBe(loss);
  expect(made).toEqual([undefined, { loss: 0.1 }]);
  decisions.forget();
  expect([decisions.recall(undefined), decisions.recall({ loss: 0.1 })]).toEqual([undefined, undefined]);
  expect(decisions.of({ loss: 0.1 }, true)).not.toBe(loss);
});

test("one that is not kept is not recalled, but not made again either", () => {
  const { decisions, made } = counted();
  const once = decisions.of({ latencyMs: 5 }, false);
  expect(decisions.recall({ latencyMs: 5 })).toBeUndefined();
  expect(decisions.of({ latencyMs: 5 }, true)).toBe(once);
  expect(decisions.recall({ latencyMs: 5 })).toBe(once);
  expect(made.length).toBe(1);
});

test("the sixteen last are recalled, and of many meanings only so many are kept", () => {
  const { decisions, made } = counted();
  for (let i = 1; i <= 17; i++) decisions.of({ operations: i }, true);
  expect(decisions.recall({ operations: 1 })).toBeUndefined();
  expect(decisions.recall({ operations: 2 })).toBeDefined();
  decisions.of({ operations: 1 }, true);
  expect(made.length).toBe(17);
  for (let i = 18; i <= 257; i++) decisions.of({ operations: i }, true);
  decisions.of({ operations: 1 }, true);
  expect(made.length).toBe(258);
});

test("recalling one, or asking it twice, makes none of the others forgotten", () => {
  const { decisions } = counted();
  for (let i = 1; i <= 16; i++) decisions.of({ operations: i }, true);
  for (let i = 0; i < 3; i++) decisions.of({ operations: 16 }, true);
  for (const i of [9, 3, 9, 16]) expect(decisions.recall({ operations: i })).toMatchObject({ slo: { operations: i } });
  for (let i = 1; i <= 16; i++) expect(decisions.recall({ operations: i })).toMatchObject({ slo: { operations: i } });
});

test("what is asked after all was forgotten is recalled, and what is not is none", () => {
  const { decisions } = counted();
  for (let i = 1; i <= 3; i++) decisions.of({ operations: i }, true);
  decisions.forget();
  const kept = decisions.of({ operations: 4 }, true);
  expect(decisions.recall({ operations: 5 })).toBeUndefined();
  expect(decisions.recall({ operations: 4 })).toBe(kept);
});

test("an object asks what is in it now, whatever it is made of and however it was changed since", () => {
  const values: [string, unknown[]][] = [
    ["loss", [0, 0.01, undefined, Number.NaN, 1n]],
    ["agreement", [0.9, 0.99]],
    ["latencyMs", [2, 5, Number.POSITIVE_INFINITY, undefined]],
    ["percentile", [50, 99]],
    ["late", ["run", "refuse"]],
    ["nodes", [0.5, "0.5"]],
    ["dense", [true, false]],
    ["signal", [undefined, AbortSignal.abort()]],
    ["speed", [1]],
  ];
  const change = fc
    .constantFrom(...values)
    .chain(([key, of]) => fc.record({ key: fc.constant(key), value: fc.option(fc.constantFrom(...of), { nil: "absent" }) }));
  const shape = fc.constantFrom("as it is", "inherited", "got", "of a class", "frozen", "without prototype");
  fc.assert(
    fc.property(fc.array(fc.tuple(change, shape), { minLength: 40, maxLength: 120 }), (changes) => {
      const { decisions } = counted();
      const kept: Record<string, unknown> = {};
      for (const [{ key, value }, as] of changes) {
        if (value === "absent") delete kept[key];
        else kept[key] = value;
        const descriptors = Object.getOwnPropertyDescriptors(kept);
        const asked = {
          "as it is": () => kept,
          inherited: () => Object.create(kept),
          got: () =>
            Object.defineProperties(
              {},
              mapped(descriptors, ({ value }) => ({ get: () => value, enumerable: true })),
            ),
          "of a class": () =>
            Object.create(
              Object.defineProperties(
                {},
                mapped(descriptors, ({ value }) => ({ get: () => value, enumerable: false })),
              ),
            ),
          frozen: () => Object.freeze({ [Symbol("loss")]: 1, ...kept }),
          "without prototype": () => Object.assign(Object.create(null), kept),
        }[as]() as Slo;
        const recalled = decisions.recall(asked);
        let checked: Slo | null = null;
        try {
          const { signal: _, ...rest } = checkSlo(asked);
          checked = rest;
        } catch {}
        if (checked === null) expect([as, { ...kept }, recalled]).toEqual([as, { ...kept }, undefined]);
        else expect((recalled ?? decisions.of(checked, true)).slo).toEqual(checked);
      }
    }),
  );
});

const mapped = <T, U>(of: Record<string, T>, to: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(of).map(([key, value]) => [key, to(value)]));
