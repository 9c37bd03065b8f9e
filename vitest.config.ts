import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

const runtimes = ["test/runtimes/**/*.test.ts"];

export default defineConfig({
  // as in tsconfig.bench.json: examples import the package by its name
  resolve: { alias: [{ find: /^slonn$/, replacement: resolve("src/index.ts") }] },
  test: {
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: "house",
          include: ["test/**/*.test.ts"],
          exclude: runtimes,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          allowOnly: false,
        },
      },
      {
        extends: true,
        test: {
          name: "runtimes",
          include: runtimes,
          globalSetup: ["test/runtimes/setup.ts"],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          allowOnly: false,
        },
      },
    ],
  },
});
