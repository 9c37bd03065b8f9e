import { afterAll, expect, test } from "vitest";
import { bestContender } from "../../bench/best-contender.ts";
import { rowOf } from "../../src/model/rows.ts";
import { createSession } from "../../src/session/session.ts";
import { compressed, madeUpModel, madeUpRows } from "../made-up-models.ts";

const model = madeUpModel([40, 32, 20], 1);
const rows = compressed(madeUpRows(30, 40, 2, 0.8));
const session = await createSession(model);
afterAll(() => session.dispose());

test("finds the best answers a query's report has, and counts the same work", () => {
  const inputs = Array.from({ length: rows.count }, (_, r) => rowOf(rows, r));
  for (const [slo, asked] of [
    ["dense", { dense: true }],
    ["exact", { exact: true }],
  ] as const) {
    const contender = bestContender(session, slo, 5);
    expect([contender.name, contender.top(), [...contender.best(5)]]).toEqual([slo, -1, []]);
    const reports = inputs.map((input) => {
      contender.run(input);
      const { output, report } = session.run(input, asked);
      expect([...contender.best(5)]).toEqual(output.top(5).map(({ index }) => index));
      expect([...contender.best(2)]).toEqual([...contender.best(5)].slice(0, 2));
      expect(contender.top()).toBe(output.top(1)[0].index);
      return report;
    });
    const work = contender.workOf(inputs);
    const mean = (of: (r: (typeof reports)[number]) => number): number => reports.reduce((sum, r) => sum + of(r), 0) / reports.length;
    expect(work.macs).toBeCloseTo(
      mean(({ macs }) => macs),
      6,
    );
    expect(work.bytes).toBeCloseTo(
      mean(({ bytes }) => bytes),
      6,
    );
    expect(work.nodes).toEqual([32, 20]);
    expect(work.plan).toEqual(reports[0].plan);
  }
  expect(() => bestContender(session, "speed=3", 5)).toThrow(/speed/);
});
