import { describe, expect, test } from "vitest";
import { type Flags, helpOf, parseArguments, UsageError } from "../../src/cli/arguments.ts";

const flags: Flags = {
  data: { value: "<inputs>", about: "rows" },
  slo: { value: "<slo>", repeatable: true, about: "what to ask" },
  output: { value: "<file>", short: "o", about: "where" },
  json: { about: "as JSON" },
};

describe("parseArguments", () => {
  test("takes flags in any order and leaves values as they are", () => {
    const args = parseArguments(
      ["--slo", "007", "m.slonn", "--data=x.npy", "--slo", "loss=0.01,latency=2ms@p99", "--json", "-o", "1e3"],
      flags,
    );
    expect(args.file).toBe("m.slonn");
    expect(args.list("slo")).toEqual(["007", "loss=0.01,latency=2ms@p99"]);
    expect([args.required("data"), args.text("output"), args.has("json"), args.number("output", 1)]).toEqual(["x.npy", "1e3", true, 1000]);
    expect(parseArguments(["--", "--odd.slonn"], flags).file).toBe("--odd.slonn");
  });

  test("takes the value of a short flag beside it, behind it or behind an equals sign", () => {
    for (const words of [["-o", "x"], ["-ox"], ["-o=x"]]) expect(parseArguments(["m", ...words], flags).text("output")).toBe("x");
    expect(parseArguments(["m", "-o", "=x"], flags).text("output")).toBe("=x");
    expect(parseArguments(["--", "-o=x"], flags).file).toBe("-o=x");
  });

  test("says what is not there", () => {
    const args = parseArguments(["m"], flags);
    expect([args.text("data"), args.has("json"), args.list("slo"), args.number("data", 3)]).toEqual([undefined, false, [], 3]);
    expect(() => args.required("data")).toThrow("got no --data, expected --data <inputs>");
  });

  test.each([
    [[], "got no file, expected one"],
    [["a", "b"], "got 2 files (a, b), expected one"],
    [["a", "--nope"], "got unknown flag --nope"],
    [["a", "-x"], "got unknown flag -x"],
    [["a", "--data"], "got --data without a value, expected one"],
    [["a", "-o"], "got --output without a value, expected one"],
    [["a", "-o="], "got --output without a value, expected one"],
    [["a", "-x=y"], "got unknown flag -x"],
    [["a", "--data="], "got --data without a value, expected one"],
    [["a", "--slo", ""], "got --slo without a value, expected one"],
    [[""], "got no file, expected one"],
    [["a", "--data", "--json"], "got --data without a value, expected one; one that starts with - is written --data=<value>"],
    [["a", "-o", "-x"], "got -o without a value, expected one"],
    [["a", "--json=yes"], "got --json with a value, expected it alone"],
    [["a", "--data", "x", "--data", "y"], "got --data 2 times, expected it once"],
  ])("refuses %j", (words, message) => {
    expect(() => parseArguments(words, flags)).toThrow(UsageError);
    expect(() => parseArguments(words, flags)).toThrow(message);
  });

  test("takes names that commas join, and spaces around them", () => {
    const namesIn = (value: string) => parseArguments(["a", `--data=${value}`], flags).names("data");
    expect([namesIn("relu"), namesIn("relu, identity")]).toEqual([["relu"], ["relu", "identity"]]);
    expect(parseArguments(["a"], flags).names("data")).toBeUndefined();
    for (const value of ["relu,", "relu, ", ",relu", "relu,,relu", ",", " "]) {
      expect(() => namesIn(value)).toThrow(UsageError);
      expect(() => namesIn(value)).toThrow(
        `got --data ${JSON.stringify(value)}, in which a name is missing, expected names joined by commas`,
      );
    }
  });

  test.each([" ", "abc", "1x", "Infinity", "NaN"])("refuses %j as a number", (value) => {
    expect(() => parseArguments(["a", `--data=${value}`], flags).number("data", 0)).toThrow(/got --data ".*", expected a number/);
  });

  test.each([
    ["0.03", 0.03],
    ["3%", 0.03],
    ["0.7%", 0.007],
    ["3 %", 0.03],
  ])("reads %j as a share", (value, share) => {
    expect(parseArguments(["a", `--data=${value}`], flags).share("data", 1)).toBe(share);
    expect(parseArguments(["a"], flags).share("data", 0.5)).toBe(0.5);
  });

  test.each(["%", "x%", "3%%"])("refuses %j as a share", (value) => {
    expect(() => parseArguments(["a", `--data=${value}`], flags).share("data", 0)).toThrow(
      `got --data ${JSON.stringify(value)}, expected a number, or a percentage such as 5%`,
    );
  });
});

describe("helpOf", () => {
  test("lists every flag where it was declared", () => {
    expect(helpOf("slonn run <model>", "Runs.", { output: flags.output, json: flags.json })).toBe(
      "usage: slonn run <model> [flags]\n\nRuns.\n\n  -o, --output <file>  where\n      --json           as JSON\n",
    );
    const needed = { data: { ...flags.data, needed: true }, output: { ...flags.output, needed: true } };
    expect(helpOf("slonn run <model>", "Runs.", { ...needed, json: flags.json })).toMatch(
      /^usage: slonn run <model> --data <inputs> -o <file> \[flags\]\n/,
    );
    expect(helpOf("slonn run <model>", "Runs.", needed)).toMatch(/ -o <file>\n/);
  });
});
