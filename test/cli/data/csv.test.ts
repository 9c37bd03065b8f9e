import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCsv } from "../../../src/cli/data/csv.ts";
import { parseNumber } from "../../../src/cli/data/number-text.ts";
import { text } from "./build-files.ts";

const rows = (content: string | Uint8Array) => {
  const { shape, data } = readCsv(typeof content === "string" ? text(content) : content, "x.csv");
  return { shape, data: Array.from(data, Number) };
};

describe("csv", () => {
  test.each([
    ["commas", "1,2.5,-3\n4,5e-1,6\n"],
    ["a byte order mark before numbers", "\ufeff1,2.5,-3\n4,0.5,6\n"],
    ["semicolons", "1;2.5;-3\n4;.5;6"],
    ["tabs and CRLF", "1\t2.5\t-3\r\n4\t0.5\t6\r\n"],
    ["spaces, as numpy.savetxt writes", "1.0e+00 2.5e+00 -3.0e+00\n4.0e+00 5.0e-01 6.0e+00\n"],
    ["spaces that line numbers up", "# a b c\n  1   2.5 -3 \r\n   \n  4   0.5  6\n"],
    ["a header", "a,b,c\n1,2.5,-3\n4,0.5,6\n"],
    ["a first column of row numbers, as pandas writes it", ",a,b,c\n7,1,2.5,-3\n3,4,0.5,6\n"],
    ["the same of columns without names", ",0,1,2\n0,1,2.5,-3\n1,4,0.5,6\n"],
    ["a first column of row names, as R writes it", '"","a","b","c"\n"1st row",1,2.5,-3\n"2nd, too",4,0.5,6\n'],
    ["a header that is partly numbers", "label,1,2\n1,2.5,-3\n4,0.5,6\n"],
    ["a header of other scripts and signs", "étage,(b),1st\n1,2.5,-3\n4,0.5,6\n"],
    ["a header behind a hash", "# p0,p1,Na\n1,2.5,-3\n4,0.5,6\n"],
    ["a header beside a hash", "#p0,p1,Na\n1,2.5,-3\n4,0.5,6\n"],
    ["comments, as numpy.savetxt writes a header and a footer", "# made by x, 2026; y\n#\n# 3 columns\n1,2.5,-3\n4,0.5,6\n# end\n"],
    ["a header behind a comment", "\ufeff# made by x\r\na;b;c\r\n1;2.5;-3\r\n4;0.5;6\r\n"],
    ["columns named by their numbers", "0,1,2\n1,2.5,-3\n4,0.5,6\n"],
    ["quotes around what is between numbers", '"a,1","b ""x,y""",c\n1,2.5,-3\n4,0.5,"6"\n'],
    ["quotes around what is not between numbers", '"a;1","b",c\n1,2.5,-3\n4,0.5,6\n'],
    ["a header of another encoding than UTF-8", Uint8Array.from([..."\xe9,\xfc,\xdf\n1,2.5,-3\n4,0.5,6\n"], (c) => c.charCodeAt(0))],
    ["quotes, spaces and blank lines", '\ufeff "a" , "b","c"\n\n 1 , "2.5",-3\n \n4,0.5,+6\n\n'],
  ])("reads %s", (_, content) => {
    expect(rows(content)).toEqual({ shape: [2, 3], data: [1, 2.5, -3, 4, 0.5, 6] });
  });

  test.each([
    ["that count on", "0,1,2\n3,4,5\n", [0, 1, 2, 3, 4, 5]],
    ["written as fractions", "0.0,1.0,2.0\n1,1,1\n", [0, 1, 2, 1, 1, 1]],
    ["of a single row", "0,1,2\n", [0, 1, 2]],
    ["that begin at 1", "1,2,3\n4,0.5,6\n", [1, 2, 3, 4, 0.5, 6]],
  ])("takes a first line of numbers for data, not names, in lines %s", (_, content, data) => {
    expect(rows(content)).toEqual({ shape: [data.length / 3, 3], data });
  });

  test("takes the first line that is neither blank nor a comment for the one that tells what is between numbers", () => {
    expect(rows("\n \r\n# a\tb\n1;2.5;-3\n4;0.5;6\n")).toEqual({ shape: [2, 3], data: [1, 2.5, -3, 4, 0.5, 6] });
  });

  test("reads more numbers than there is room for at first", () => {
    const data = Array.from({ length: 5000 }, (_, i) => i / 8);
    expect(rows(data.join("\n"))).toEqual({ shape: [5000, 1], data });
  });

  test("reads one column", () => {
    for (const name of ["label", "étiquette", "类", "# label", '"a,b"'])
      expect(rows(`${name}\n3\n1\n`)).toEqual({ shape: [2, 1], data: [3, 1] });
    for (const name of [",label", ",0", '"","x"']) expect(rows(`${name}\n0,3\n1,1\n`)).toEqual({ shape: [2, 1], data: [3, 1] });
    expect(rows("class label\n3\n1\n")).toEqual({ shape: [2, 1], data: [3, 1] });
    expect(rows("")).toEqual({ shape: [0, 0], data: [] });
    expect(rows("0\n1\n")).toEqual({ shape: [2, 1], data: [0, 1] });
    expect(rows("0,1\n1,2\n")).toEqual({ shape: [2, 2], data: [0, 1, 1, 2] });
  });

  test.each([
    ["1 2\n3\n", /x\.csv: line 2: got 1 columns, expected 2/],
    ["1 2\n3 x\n", /x\.csv: line 2, column 2: got "x"/],
    ["a b\n1 2\n", /x\.csv: line 2, column 1: got "1 2"/],
    [",2,3\n4,5,6\n", /x\.csv: line 1, column 1: got ""/],
    [",a,b\n0,1,x\n", /x\.csv: line 2, column 3: got "x"/],
    [",a,b\n0,1\n", /x\.csv: line 2: got 2 columns, expected 3/],
    ["1,2\n3\n", /x\.csv: line 2: got 1 columns, expected 2/],
    ["1,2\n3,4,5\n", /line 2: got 3 columns, expected 2/],
    ["a,b\n1,2\nc,3\n", /line 3, column 1: got "c", expected a finite number/],
    ["1,\n", /line 1, column 2: got "", expected/],
    ['"0,5","1,5"\n', /line 1, column 1: got "0,5", expected a finite number/],
    ["1;2\n3;né\n", /line 2, column 2: got "né", expected a finite number/],
    ["nan,1\n", /got "nan"/],
    ["n/a,1\n2,3\n", /line 1, column 1: got "n\/a"/],
    ["1,inf\n", /got "inf"/],
    ["1,1e39\n", /got "1e39", expected a finite number/],
    ["0x10,1\n", /got "0x10"/],
    ["1,2-3\n", /got "2-3"/],
    ["1 2,3\n", /got "1 2"/],
    [`1,${"z".repeat(500)}\n`, /got "z{24}…"/],
    ["1,a\n2,3\n", /line 1, column 2: got "a"/],
    ["True,False\n1,0\n", /line 1, column 1: got "True"/],
    ["nan,NA\n1,0\n", /line 1, column 1: got "nan"/],
    ["#N/A,1\n2,3\n", /line 1, column 1: got "#N\/A"/],
    ["#DIV/0!,#DIV/0!\n2,3\n", /line 1, column 1: got "#DIV\/0!"/],
    ["<NA>,1.#QNAN\n2,3\n", /line 1, column 1: got "<NA>"/],
    ["1\t2\n\t\n3\t4\n", /line 2, column 1: got ""/],
    ["\t\n1\t2\n", /line 1, column 1: got ""/],
    ["1 2,3 4\n1,0\n", /line 1, column 1: got "1 2"/],
    ["1e\n1\n", /line 1, column 1: got "1e"/],
  ])("refuses %j", (content, message) => {
    expect(() => rows(content)).toThrow(message);
  });

  test("reads numbers as JavaScript does", () => {
    const written = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.integer().map(String),
      fc.tuple(fc.integer({ min: -99999, max: 99999 }), fc.integer({ min: 0, max: 99999999 })).map(([a, b]) => `${a}.${b}`),
      // more digits than a double holds, or nearly
      fc.tuple(fc.bigInt({ min: 9n * 10n ** 15n, max: 2n * 10n ** 16n }), fc.integer({ min: 0, max: 15 })).map(([digits, point]) => {
        const all = String(digits);
        return `${all.slice(0, point)}.${all.slice(point)}`;
      }),
      fc.string({ unit: fc.constantFrom(..."0123456789.-+eE") }),
    );
    fc.assert(
      fc.property(written, (number) => {
        const expected = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(number) ? Number(number) : Number.NaN;
        expect(parseNumber(text(`,${number},`), 1, 1 + number.length)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});
