import { describe, expect, test } from "vitest";
import { readSvmlight } from "../../../src/cli/data/svmlight.ts";
import { text } from "./build-files.ts";

const read = (content: string) => {
  const { labels, indptr, indices, values, ...rest } = readSvmlight(text(content), "x.svm");
  const row = <A>(from: ArrayLike<A>, starts: Uint32Array, r: number): A[] => Array.from(from).slice(starts[r], starts[r + 1]);
  return {
    ...rest,
    rows: Array.from({ length: rest.count }, (_, r) => row(indices, indptr, r).map((index, i) => [index, row(values, indptr, r)[i]])),
    labels: labels && Array.from({ length: rest.count }, (_, r) => row(labels.values, labels.indptr, r)),
  };
};

describe("svmlight", () => {
  test("counts columns from 1 without a header", () => {
    expect(read("1 1:0.5 3:2 # a comment\n0 2:-1\n\n# only a comment\n")).toEqual({
      kind: "sparse",
      count: 2,
      width: 3,
      widthStated: false,
      rows: [
        [
          [0, 0.5],
          [2, 2],
        ],
        [[1, -1]],
      ],
      labels: [[1], [0]],
    });
  });

  test("passes over a byte order mark", () => {
    expect(read("\ufeff1 1:0.5\n")).toMatchObject({ rows: [[[0, 0.5]]], labels: [[1]] });
  });

  test("counts columns from where a comment says", () => {
    const rowsOf = (comment: string) => read(`# ${comment}\n1 1:0.5 3:2\n`).rows[0].map(([index]) => index);
    expect(rowsOf("Column indices are zero-based")).toEqual([1, 3]);
    expect(rowsOf("Column indices are one-based")).toEqual([0, 2]);
    expect(rowsOf("made elsewhere")).toEqual([0, 2]);
    expect(rowsOf("zero-based\n# made elsewhere")).toEqual([1, 3]);
    expect(read("# one-based\n1 0:0.5 3:2\n").rows[0].map(([index]) => index)).toEqual([0, 3]);
  });

  test("counts columns from 0 where column 0 occurs", () => {
    expect(read("1 0:0.5 3:2\n-1.5 qid:7 2:-1\n")).toMatchObject({
      width: 4,
      rows: [
        [
          [0, 0.5],
          [3, 2],
        ],
        [[2, -1]],
      ],
      labels: [[1], [-1.5]],
    });
  });

  test("reads the extreme-classification format: a header, several labels, none, and rows without features", () => {
    expect(read("4 10 5\n0,3 1:0.5 9:1\n 2:1\n4\n\n")).toEqual({
      kind: "sparse",
      count: 4,
      width: 10,
      widthStated: true,
      rows: [
        [
          [1, 0.5],
          [9, 1],
        ],
        [[2, 1]],
        [],
        [],
      ],
      labels: [[0, 3], [], [4], []],
    });
  });

  test("passes over blank lines behind the last row that a header counts", () => {
    expect(read("2 4 3\n0 1:1\n\n\n  \n# end\n")).toMatchObject({ count: 2, rows: [[[1, 1]], []] });
  });

  test("reads features or labels alone under a header of two sizes", () => {
    expect(read("2 6\n0:1 5:2\r\n3:1\r\n")).toMatchObject({
      count: 2,
      width: 6,
      rows: [
        [
          [0, 1],
          [5, 2],
        ],
        [[3, 1]],
      ],
      labels: null,
    });
  });

  test("sorts columns and adds up repeated ones", () => {
    expect(read("0 5:1 2:2 5:3\n1 3:1 3:1\n2 1:7\n").rows).toEqual([
      [
        [1, 2],
        [4, 4],
      ],
      [[2, 2]],
      [[0, 7]],
    ]);
    expect(read("0 1:1e8 1:1 1:-1e8\n").rows).toEqual([[[0, 1]]]);
  });

  test.each([
    ["1 3:x\n", /x\.svm: line 1: got "3:x", expected index:value$/],
    ["1 2:1\n1 -3:1\n", /line 2: got "-3:1"/],
    ["1 2:1 3\n", /got "3", expected index:value$/],
    ["0.5 0.25 3\n", /line 1: got "0\.25", expected index:value \(columns of numbers: a \.csv\)$/],
    ["1 :5\n", /got ":5", expected index:value/],
    ["1 2:nan\n", /got "2:nan"/],
    ["1 2:1e99\n", /row 0, column 1: got Infinity, expected a finite number/],
    ["one 2:1\n", /got label "one", expected a number/],
    ["1 1:1\n1,2, 1:0.5\n", /line 2: got label "", expected a number/],
    [",1 1:0.5\n", /line 1: got label "", expected a number/],
    ["1,,2 1:0.5\n", /line 1: got label "", expected a number/],
    ["1 99999999999:1\n", /got column 99999999999, expected at most 16777215/],
    ["2 5 3\n0 5:1\n1 1:1\n", /line 2: got column 5, expected at most 4/],
    ["2 5 3\n0 1:1\n", /got 1 rows, expected 2/],
    ["2 5\n0:1\n3 1:1\n", /x\.svm: line 3: got "3", expected index:value/],
    ["1 5 3\n0 1:1\n0 1:1\n", /line 3: got more rows, expected 1/],
    ["1 2 3 4\n0 1:1\n", /line 1: got "2", expected index:value/],
    ["1 0 3\n0\n", /got 0 columns, expected 1 to 16777215/],
    ["1 999999999999 3\n0 1:1\n", /got 999999999999 columns, expected 1 to 16777215/],
  ])("refuses %j", (content, message) => {
    expect(() => read(content)).toThrow(message);
  });
});
