// Noun synsets from WordNet's data.noun (format: wndb(5WN)): names, gloss and hypernyms, and the hypernyms of hypernyms.

export interface Synset {
  /** Its byte offset in the file, eight digits: how other synsets point to it. */
  id: string;
  /** Its lemmas, the first the commonest, with spaces. */
  names: string[];
  /** The definition and, where there are any, example sentences. */
  gloss: string;
  definition: string;
  /** Direct hypernyms, of classes and of instances. */
  hypernyms: string[];
}

/** @param file the content of data.noun; the lines of its licence start with two spaces */
export function synsetsOf(file: string): Map<string, Synset> {
  const synsets = new Map<string, Synset>();
  for (const line of file.split("\n")) {
    if (line === "" || line.startsWith("  ")) continue;
    const bar = line.indexOf(" | ");
    // offset, lexicographer file, type, lemma count in hex, (lemma, sense) pairs, pointer count, (symbol, offset, type, source/target)s.
    const fields = line.slice(0, bar).split(" ");
    const lemmas = Number.parseInt(fields[3], 16);
    const names = Array.from({ length: lemmas }, (_, i) => fields[4 + 2 * i].replaceAll("_", " "));
    const pointers = 4 + 2 * lemmas;
    const hypernyms: string[] = [];
    for (let i = 0, at = pointers + 1; i < Number(fields[pointers]); i++, at += 4)
      if (fields[at] === "@" || fields[at] === "@i") hypernyms.push(fields[at + 1]);
    const gloss = line.slice(bar + 3).trim();
    synsets.set(fields[0], { id: fields[0], names, gloss, definition: definitionOf(gloss), hypernyms });
  }
  return synsets;
}

/** A gloss without its example sentences, which stand in quotes behind a semicolon. */
function definitionOf(gloss: string): string {
  const example = gloss.search(/[;:,]?\s*"/);
  return (example > 0 ? gloss.slice(0, example) : gloss).trim();
}

/** The hypernyms of a synset up to `levels` levels up, the nearest first, each once. */
export function ancestorsOf(synset: Synset, synsets: ReadonlyMap<string, Synset>, levels: number): string[] {
  const found = new Set<string>();
  let level = [synset];
  for (let i = 0; i < levels; i++) {
    const above = [...new Set(level.flatMap(({ hypernyms }) => hypernyms))].filter((id) => id !== synset.id && !found.has(id));
    for (const id of above) found.add(id);
    level = above.map((id) => synsets.get(id)!);
  }
  return [...found];
}
