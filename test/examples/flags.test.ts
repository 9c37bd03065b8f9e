import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { coRunnersOf } from "../../bench/interference/co-runners.ts";
import { flagsOf, oneOf, positiveNumber, usageOf, wholeNumber } from "../../examples/flags.ts";
import { projectPath } from "../../examples/networks.ts";

const { scripts } = JSON.parse(readFileSync(projectPath("package.json"), "utf8")) as { scripts: Record<string, string> };
/** Script and source file of every program that is built as a tool. */
const programs = Object.entries(scripts).flatMap(([script, command]) => {
  const [, file] = /node build\/tools\/(\S+)\.js$/.exec(command) ?? [];
  return file ? [[script, projectPath(`${file}.ts`)] as const] : [];
});
/** One that is started by its file. */
programs.push(["record", projectPath("bench", "record.ts")]);
/** What a program starts itself with. */
const ownFlags = ["child", "arriving", "source"];

test.each(programs)("%s says how it is used, with each of its flags", (script, file) => {
  const usage = usageOf(file);
  const source = readFileSync(file, "utf8");
  expect(usage).toMatch(script === "start" ? "npm start" : new RegExp(`npm run ${script}|node build/tools/bench/${script}\\.js`));
  expect(source).toMatch(new RegExp(`sayRefusals\\("${script}"\\);[^]*flagsOf\\(import\\.meta\\.filename`));
  const flags = [...source.matchAll(/"?([\w-]+)"?: \{ type: "(?:string|boolean)"/g)].map(([, name]) => name);
  for (const flag of flags) if (!ownFlags.includes(flag)) expect(usage).toContain(`--${flag}`);
});

test("--help prints the comment at the top of the file and ends with 0", () => {
  const written = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const ended = vi.spyOn(process, "exit").mockReturnValue(undefined as never);
  const file = projectPath("examples", "define.ts");
  flagsOf(file, { args: ["--help"] });
  const calls = [written.mock.calls, ended.mock.calls];
  vi.restoreAllMocks();
  expect(calls).toEqual([[[usageOf(file)]], [[0]]]);
  expect(usageOf(file)).toMatch(/^[^/\s].*[^\n]\n$/s);
});

test("flags are taken as parseArgs takes them, and refused", () => {
  const options = { top: { type: "string", default: "8" }, fresh: { type: "boolean" } } as const;
  expect({ ...flagsOf("", { args: ["--fresh"], options }).values }).toEqual({ top: "8", fresh: true });
  expect(() => flagsOf("", { args: ["--nope"], options })).toThrow("Unknown option '--nope'");
  expect(() => flagsOf("", { args: ["--nope"] })).toThrow("Unknown option '--nope'");
});

test("numbers and names that are none are refused with what was got and expected", () => {
  expect([wholeNumber("n", "1", 1), wholeNumber("n", "0", 0), positiveNumber("n", "0.25")]).toEqual([1, 0, 0.25]);
  for (const given of ["abc", "0", "-1", "1.5", "NaN", "Infinity"])
    expect(() => wholeNumber("queries", given, 1)).toThrow(`--queries: got ${given}, expected a whole number of at least 1`);
  expect(() => wholeNumber("steps", "", 0)).toThrow("--steps: got nothing, expected a whole number of at least 0");
  for (const given of ["abc", "0", "-1", "Infinity"])
    expect(() => positiveNumber("rate", given)).toThrow(`--rate: got ${given}, expected a number above 0`);
  expect(oneOf("network", "brown", ["wordnet", "brown"])).toBe("brown");
  expect(() => oneOf("network", "x", ["wordnet", "brown"])).toThrow("--network: got x, expected one of wordnet, brown");
});

test("a load is a kind of co-runner and how many", () => {
  expect(coRunnersOf("both 1")).toEqual(["compute", "memory"]);
  expect(coRunnersOf("none")).toEqual([]);
  for (const load of ["abc", "memory", "memory 0", "memory -1", "compute x", "none 2"])
    expect(() => coRunnersOf(load)).toThrow(`--load: got ${load}, expected none, or compute, memory or both and how many`);
});
