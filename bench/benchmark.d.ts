// The part of benchmark 2.1.4 used here; the package brings no types.
declare module "benchmark" {
  export default class Benchmark {
    constructor(name: string, run: () => void, options?: { minSamples?: number; maxTime?: number });
    run(): this;
    /** Seconds a call, and the relative margin of error in percent. */
    readonly stats: { mean: number; rme: number };
    readonly error?: Error;
  }
}
