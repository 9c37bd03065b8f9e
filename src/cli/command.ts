// What every command is, and the flags several of them share.

import type { Arguments, Flags } from "./arguments.ts";
import type { Io } from "./io.ts";

export interface Command {
  name: string;
  /** What its usage calls the file it works on. */
  file: string;
  about: string;
  flags: Flags;
  run(args: Arguments, io: Io): Promise<void>;
}

export const jsonFlag: Flags = { json: { about: "print one JSON document instead of tables" } };

export const activationsFlag: Flags = {
  activations: {
    value: "<names>",
    about: "what follows each layer of a safetensors of weights only, e.g. relu,identity; relu, identity last, unless given",
  },
};

export const dataFlags: Flags = {
  data: { value: "<inputs>", needed: true, about: "npy, npz (array or SciPy CSR), safetensors, csv, SVMlight or IDX file; .gz too" },
  labels: { value: "<labels>", about: "one class per row, or sparse rows of several labels, in the same kinds of file" },
  scale: { value: "<number>", about: "divide every input by this, e.g. 255" },
};

/** What `run` and `bench` race, and by which metric. */
export const raceFlags: Flags = {
  ...dataFlags,
  slo: {
    value: "<slo>",
    repeatable: true,
    about:
      "dense | accuracy=0.97 | loss=0.003 | agreement=0.99 | latency=2ms[@p99] | operations=200000 | nodes=5% | exact; several joined by commas are asked at once; may be given several times; what the model was calibrated for unless given",
  },
  "latency-profile": {
    value: "<file.json>",
    about: "latencies of the levels on this machine: read where the file is there, else measured on the data and written",
  },
  "co-runners": {
    about: "measure --latency-profile beside threads that compute and that stream memory too: how much of a load shows in each level",
  },
  metric: {
    value: "<metric>",
    about: "what to lead with: accuracy, precision@1, @3, @5, agreement, agreement@3 or @5; what the model was calibrated for unless given",
  },
};
