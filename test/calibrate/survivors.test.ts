import { expect, test } from "vitest";
import { everyLayer } from "../../src/calibrate/candidates.ts";
import type { Tried } from "../../src/calibrate/compose.ts";
import { type Judged, thin, usable } from "../../src/calibrate/survivors.ts";

const rows = 1000;
const rungOf = (): Tried["rung"] => everyLayer(1, { kind: "exact" });
/** A setting tried on `rows` inputs, each surer than the one before: those at `wrong` are answered differently, those at `lost` wrongly. */
function tried(cost: number, wrong: readonly number[], lost: readonly number[] = wrong): Tried {
  const marks = (at: readonly number[]) => Array.from({ length: rows }, (_, r) => Number(at.includes(r)));
  return {
    rung: rungOf(),
    cost,
    differences: Float32Array.from(marks(lost)),
    disagreements: Uint8Array.from(marks(wrong)),
    margins: Float32Array.from({ length: rows }, (_, r) => r + 1),
  };
}
const upTo = (n: number): number[] => [...Array(n).keys()];

test("settings that lose more than is allowed on average are not usable; disagreements alone do not count", () => {
  const [fair, poor, other] = [tried(1, upTo(200)), tried(1, upTo(201)), tried(2, upTo(900), [])];
  expect(usable([fair, poor, other], 0.2, 10).map(({ rung }) => rung)).toEqual([fair.rung, other.rung]);
});

test("usable settings come cheapest first, with how many rows they answer differently", () => {
  const found = usable([tried(3, [1]), tried(1, [1, 2, 3]), tried(2, [])], 0.2, 10);
  expect(found.map(({ cost, disagreed }) => [cost, disagreed])).toEqual([
    [1, 3],
    [2, 0],
    [3, 1],
  ]);
});

test("what growing costs is that of the inputs that have to grow: the least sure, until few enough of the others are wrong", () => {
  // the tolerated 2, 6 and 20 of 1,000 rows may be wrong; the wrong ones are every tenth of the first 400
  const wrong = upTo(40).map((i) => 10 * i);
  const [{ grown }] = usable([tried(1, wrong)], 1, 10);
  // all rows but those surer than the third last, the seventh last, the twenty-first last wrong one
  expect(grown).toEqual([371, 331, 191].map((growing) => expect.closeTo(1 + 10 * (growing / rows), 6)));
  expect(usable([tried(1, [5, 6])], 1, 10)[0].grown).toEqual([1, 1, 1]);
  // an input without a margin grows first, however it is answered
  const unsure = tried(1, wrong);
  unsure.margins[999] = Number.NaN;
  expect(usable([unsure], 1, 10)[0].grown[0]).toBeCloseTo(1 + 10 * (372 / rows), 6);
});

test("as many survive as asked for: in turn the most faithful for their cost and the cheapest once grown, each once", () => {
  const judged = (cost: number, disagreed: number, grown: readonly number[]): Judged => ({ rung: rungOf(), cost, disagreed, grown });
  const settings = [judged(1, 9, [9, 9, 1]), judged(2, 9, [5, 1, 8]), judged(3, 4, [7, 8, 9]), judged(4, 5, [1, 7, 7])];
  const [cheapest, second, third, fourth] = settings.map(({ rung }) => rung);
  // by faithfulness 1, 3, then 2, 4; once grown 4, 2, 3, 1; 2, 4, 3, 1; 1, 4, 2, 3
  expect(thin(settings, 4)).toEqual([cheapest, fourth, second, third]);
  const places = (found: readonly Tried["rung"][]) => found.map((rung) => settings.findIndex((one) => one.rung === rung));
  expect(places(thin(settings, 9))).toEqual([0, 3, 1, 2]);
  expect(places(thin(settings, 2))).toEqual([0, 3]);
  expect(thin([], 3)).toEqual([]);
});
