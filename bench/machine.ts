// What a report says of the machine it was made on.

import { cpus, totalmem, type } from "node:os";

export interface MachineFacts {
  cpu: string;
  cores: number;
  memoryBytes: number;
  os: string;
  runtime: string;
}

export function machineOf(): MachineFacts {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    os: type(),
    runtime: `node ${process.version}`,
  };
}
