// What a query gives back: the outputs, and the best of them.

export interface Answer {
  index: number;
  score: number;
}

export interface Output {
  /** [outputs], a copy of its own. */
  data: Float32Array;
  /** The k best outputs, best first; ties go to the lower index, NaN is never among them. */
  top(k: number): Answer[];
}

export function createOutput(data: Float32Array): Output {
  return { data, top: (k) => top(data, k) };
}

function top(data: Float32Array, k: number): Answer[] {
  const most = Math.floor(k);
  const best: Answer[] = [];
  if (!(most >= 1)) return best;
  for (let index = 0; index < data.length; index++) {
    const score = data[index];
    if (Number.isNaN(score) || (best.length === most && score <= best[most - 1].score)) continue;
    let at = Math.min(best.length, most - 1);
    while (at > 0 && best[at - 1].score < score) at--;
    best.splice(at, 0, { index, score });
    if (best.length > most) best.pop();
  }
  return best;
}
