// The readers of the two corpora, on lines copied from them.

import { describe, expect, test } from "vitest";
import { sentencesOf } from "../../examples/data/brown-sentences.ts";
import { ancestorsOf, synsetsOf } from "../../examples/data/wordnet-synsets.ts";

const nouns = [
  "  1 This software and database is being provided to you, the LICENSEE, by",
  "00001740 03 n 01 entity 0 001 ~ 00001930 n 0000 | that which is perceived to have its own distinct existence (living or nonliving)  ",
  "00001930 03 n 01 physical_entity 0 002 @ 00001740 n 0000 ~ 00002452 n 0000 | an entity that has physical existence  ",
  '00002452 03 n 02 thing 0 object 1 002 @ 00001930 n 0000 + 00694095 v 0101 | a separate entity; an item; "it was full of things"; "a thing"  ',
  "14011983 26 n 01 Big_Thing 1 003 @i 00002452 n 0000 @ 00001930 n 0000 ;u 07089193 n 0000 | one thing  ",
  "",
].join("\n");

describe("synsetsOf", () => {
  const synsets = synsetsOf(nouns);

  test("reads names, definitions without examples, and hypernyms of classes and instances only", () => {
    expect([...synsets.keys()]).toEqual(["00001740", "00001930", "00002452", "14011983"]);
    expect(synsets.get("00002452")).toEqual({
      id: "00002452",
      names: ["thing", "object"],
      gloss: 'a separate entity; an item; "it was full of things"; "a thing"',
      definition: "a separate entity; an item",
      hypernyms: ["00001930"],
    });
    expect(synsets.get("14011983")).toMatchObject({ names: ["Big Thing"], hypernyms: ["00002452", "00001930"] });
  });

  test("ancestors are nearest first, each once, as many levels as asked", () => {
    const of = (id: string, levels: number): string[] => ancestorsOf(synsets.get(id)!, synsets, levels);
    expect(of("14011983", 1)).toEqual(["00002452", "00001930"]);
    expect(of("14011983", 3)).toEqual(["00002452", "00001930", "00001740"]);
    expect(of("00002452", 1)).toEqual(["00001930"]);
    expect(of("00001740", 3)).toEqual([]);
  });
});

test("sentencesOf takes tags off, lowers case and counts doubled marks once", () => {
  const file = "\n\n\tThe/at Mayor-nominate/nn-tl said/vbd 1/2/cd ,/, ``/`` Why/wrb ?/. ?/.\n\n\tThat/dt that/dt\n";
  expect(sentencesOf(file)).toEqual([
    ["the", "mayor-nominate", "said", "1/2", ",", "``", "why", "?"],
    ["that", "that"],
  ]);
});
