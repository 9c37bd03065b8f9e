// What test/runtimes/programs/queries.js has to answer, and how close an answer is.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject } from "vitest";

export interface Answers {
  backend: string;
  reason: string | null;
  answers: { bits: number[]; macs: number; nodes: number[]; level: number }[];
}

export interface WorkerAnswers {
  backend: string;
  bits: number[][];
  macs: number;
}

export interface Expected {
  backend: "relaxed" | "simd" | "js";
  reason: unknown;
  rounds?: "once" | "twice";
}

/** Of the oldest Node supported for `simd`, of the newest for `relaxed`. */
function reference(backend: string): Answers {
  return JSON.parse(readFileSync(join(inject("installed"), `${backend}.json`), "utf8"));
}

/**
 * Checks what a runtime answered: the same binary gives the same bits, and the plain-JavaScript kernels give those of the SIMD binary. What
 * the relaxed binary gives is the runtime's choice: products and sums are rounded once, as V8 does, or twice, as the SIMD binary does.
 * @param expected which backend it takes by itself, and why not the fastest; `rounds` where that is not V8's choice
 */
export function expectAnswers(results: Record<string, Answers>, { rounds = "once", ...expected }: Expected): void {
  const { default: own, ...asked } = results;
  expect({ backend: own.backend, reason: own.reason }).toEqual(expected);
  for (const [name, result] of Object.entries({ default: own, ...asked })) {
    const { answers } = reference(result.backend === "relaxed" && rounds === "once" ? "relaxed" : "simd");
    expect(answers.length).toBeGreaterThan(40);
    expect(result.answers.length).toBe(answers.length);
    const differing = result.answers.flatMap((answer, i) => (JSON.stringify(answer) === JSON.stringify(answers[i]) ? [] : [i]));
    expect(differing, `${name} (${result.backend})`).toEqual([]);
  }
  for (const [name, { backend }] of Object.entries(asked)) expect(backend).toBe(name);
}

export function expectWorkerAnswers(result: WorkerAnswers, { backend, rounds = "once" }: Omit<Expected, "reason">): void {
  const { answers } = reference(backend === "relaxed" && rounds === "once" ? "relaxed" : "simd");
  const [, dense, , loss] = answers;
  const { bits, macs, ...rest } = result;
  expect(rest).toEqual({ backend, progress: true, bad: "SlonnError bad-input", stopped: "aborted", late: "disposed", closed: null });
  expect(macs).toBe(loss.macs);
  expect(bits).toEqual([loss.bits, ...new Array(20).fill(dense.bits)]);
}
