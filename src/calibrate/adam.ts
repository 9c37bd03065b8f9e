// Adam (Kingma & Ba, 2015), with a rate that falls to nothing.

/** Takes one step against gradients, one for each part. A gradient that is shorter than its part is 0 for the rest. */
export type Step = (gradients: readonly Float32Array[]) => void;

/**
 * @param parts what is trained, changed in place by every step
 * @param rate of the first steps; it falls linearly
 * @param steps how many there will be
 */
export function createAdam(parts: readonly Float32Array[], rate: number, steps: number): Step {
  const moments = parts.map((values) => ({ m: new Float32Array(values.length), v: new Float32Array(values.length) }));
  let step = 0;
  return (gradients) => {
    step++;
    const size = rate * (1 - step / (steps + 1));
    const [first, second] = [1 - 0.9 ** step, Math.sqrt(1 - 0.999 ** step)];
    parts.forEach((values, p) => {
      const { m, v } = moments[p];
      const gradient = gradients[p];
      for (let i = 0; i < values.length; i++) {
        const g = i < gradient.length ? gradient[i] : 0;
        m[i] += 0.1 * (g - m[i]);
        v[i] += 0.001 * (g * g - v[i]);
        values[i] -= ((size / first) * m[i]) / (Math.sqrt(v[i]) / second + 1e-8);
      }
    });
  };
}
