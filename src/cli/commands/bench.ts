// `slonn bench`: as `run`, but measured well enough to be quoted: warmed up, interleaved, at least a few thousand queries.

import { refusal } from "../../errors.ts";
import { breakdownsOf } from "../breakdowns.ts";
import { activationsFlag, type Command, jsonFlag, raceFlags } from "../command.ts";
import { progressOn } from "../io.ts";
import { interleave } from "../measure.ts";
import { openRace } from "../race.ts";

const leastQueries = 2000;
const warmUpQueries = 200;

export const benchCommand: Command = {
  name: "bench",
  file: "<model>",
  about: "Measures each SLO against dense, query by query in one interleaved run.",
  flags: {
    ...raceFlags,
    samples: { value: "<number>", about: `queries per SLO; at least ${leastQueries} unless given (fewer rows come around again)` },
    breakdown: { about: "show where the time of a query goes: time, bytes and multiply-adds of every stage, beside the limit" },
    ...jsonFlag,
    ...activationsFlag,
  },
  async run(args, io) {
    const asked = args.number("samples", 0);
    if (args.has("samples") && !(Number.isInteger(asked) && asked >= 1))
      throw refusal("bad-option", "samples", asked, "a whole number of at least 1");
    const race = await openRace(args, io.clock);
    try {
      const { model, session, rows, labels, contenders } = race;
      const progress = progressOn(io);
      const measured = await interleave(contenders, rows, {
        labels,
        queries: asked || defaultQueries(rows.count),
        warmUp: warmUpQueries,
        clock: io.clock,
        signal: io.signal,
        onProgress: (share) => progress.show(share, "measuring"),
      }).finally(progress.end);
      const breakdown = args.has("breakdown")
        ? await breakdownsOf(contenders, rows, {
            model,
            session,
            clock: io.clock,
            signal: io.signal,
            onProgress: (share) => progress.show(share, "breaking down"),
          }).finally(progress.end)
        : undefined;
      io.stdout(race.show(measured, args.has("json"), breakdown));
    } finally {
      race.close();
    }
  },
};

/** Few rows are repeated a whole number of times, so that each weighs the same in the metric. */
function defaultQueries(rows: number): number {
  return rows >= leastQueries ? leastQueries : Math.ceil(leastQueries / rows) * rows;
}
