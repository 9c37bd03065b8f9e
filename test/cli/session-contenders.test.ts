import { expect, test } from "vitest";
import { contenderFor } from "../../src/cli/session-contenders.ts";
import type { Plan } from "../../src/policy/plan.ts";
import type { Certificate } from "../../src/profile/ladder.ts";
import type { Session } from "../../src/session/session.ts";

const loss = (bound: number): Certificate => ({ kind: "loss", bound, confidence: 0.95, samples: 1000 });

/** Decides one query after the other as it is told. */
function sessionOf(...plans: Pick<Plan, "certificate" | "gaveUp">[]): Session {
  let query = 0;
  const run = () => ({ output: {}, report: { macs: 1, bytes: 1, nodes: [1], met: true, plan: plans[query++] } });
  return { run } as unknown as Session;
}

test("tells what any counted query gave up and what all of them were certified for, not the last one's alone", () => {
  const session = sessionOf(
    { certificate: null, gaveUp: ["agreement=0.9"] },
    { certificate: loss(0.003), gaveUp: ["latency=2ms"] },
    { certificate: loss(0.01), gaveUp: [] },
  );
  const contender = contenderFor(session, "ours", "latency=2ms,loss=0.01");
  contender.run(Float32Array.of(0)); // warms up: nobody asks what it spent
  for (let query = 0; query < 2; query++) {
    contender.run(Float32Array.of(0));
    contender.spent();
  }
  expect([...contender.gaveUp()]).toEqual([["latency=2ms", 1]]);
  expect(contender.certificate()).toEqual(loss(0.01));
});
