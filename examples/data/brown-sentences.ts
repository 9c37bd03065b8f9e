// Sentences from a file of the Brown corpus: word/tag pairs, a sentence a line, blank lines between.

/** Stands for the start of a sentence in a context; no word of the corpus is written so. */
export const sentenceStart = "<s>";

/** The words and marks of each sentence in lower case, without tags; a mark that is doubled in the corpus ("?/. ?/.") counts once. */
export function sentencesOf(file: string): string[][] {
  const sentences: string[][] = [];
  for (const line of file.split("\n")) {
    const words: string[] = [];
    for (const pair of line.split(/\s+/)) {
      const slash = pair.lastIndexOf("/");
      if (slash <= 0) continue;
      const word = pair.slice(0, slash).toLowerCase();
      if (word === words.at(-1) && !/[\p{L}\p{N}]/u.test(word)) continue;
      words.push(word);
    }
    if (words.length > 0) sentences.push(words);
  }
  return sentences;
}
