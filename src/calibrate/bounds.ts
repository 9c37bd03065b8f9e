// Confidence bounds from counts: what can be promised of a share, or of a mean paired difference, after seeing n samples.
// Pure arithmetic. It knows nothing of networks, levels or files.
//
// A loss against dense is a paired difference D per sample: +1 where dense is right and the level wrong (a loss), −1 where the
// level is right and dense wrong (a gain), 0 otherwise. The loss of a level is E[D] = P(loss) − P(gain).

/** Share of δ that `lossUpper` spends on bounding how often a level and dense differ at all. */
const nuisanceShare = 1 / 20;

/** Rounding of a tail probability summed in float64 stays far below this; it is added wherever a tail decides a rejection. */
const roundingSlack = 1e-13;

const bisections = 60;

// ---- Binomial ------------------------------------------------------------------------------------------------------------

/** log(n!) minus Stirling's (n + ½) log n − n + ½ log 2π, for n ≥ 1. */
function stirlingRest(n: number): number {
  if (n < 16) {
    let factorial = 1;
    for (let i = 2; i <= n; i++) factorial *= i;
    return Math.log(factorial) - (n + 0.5) * Math.log(n) + n - 0.5 * Math.log(2 * Math.PI);
  }
  const square = n * n;
  return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / n;
}

/** x log(x / mean) + mean − x: how far a count lies from its mean, in nats. */
function deviance(x: number, mean: number): number {
  return x === 0 ? mean : x * Math.log1p((x - mean) / mean) - (x - mean);
}

/**
 * P(X = k) for X ~ Binomial(n, p). Written with deviances and Stirling remainders (Loader, "Fast and accurate computation of
 * binomial probabilities", 2000) so that nothing of the size of log n! cancels.
 */
function binomialMass(k: number, n: number, p: number): number {
  if (k === 0) return Math.exp(n * Math.log1p(-p));
  if (k === n) return Math.exp(n * Math.log(p));
  const rest = stirlingRest(n) - stirlingRest(k) - stirlingRest(n - k);
  const far = deviance(k, n * p) + deviance(n - k, n * (1 - p));
  return Math.exp(rest - far) * Math.sqrt(n / (2 * Math.PI * k * (n - k)));
}

/** P(X ≥ k), X ~ Binomial(n, p). A sum of positive terms that fall away from the mean: about 9 standard deviations of them. */
export function binomialAtLeast(k: number, n: number, p: number): number {
  if (k <= 0) return 1;
  if (k > n) return 0;
  if (k <= n * p) return 1 - binomialAtMost(k - 1, n, p);
  let term = binomialMass(k, n, p);
  let sum = term;
  for (let i = k; i < n && term > 1e-17 * sum; i++) sum += term *= ((n - i) / (i + 1)) * (p / (1 - p));
  return Math.min(1, sum);
}

/** P(X ≤ k), X ~ Binomial(n, p). */
export function binomialAtMost(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  if (k >= n) return 1;
  if (k >= n * p) return 1 - binomialAtLeast(k + 1, n, p);
  let term = binomialMass(k, n, p);
  let sum = term;
  for (let i = k; i > 0 && term > 1e-17 * sum; i--) sum += term *= (i / (n - i + 1)) * ((1 - p) / p);
  return Math.min(1, sum);
}

/**
 * The exact one-sided lower bound of Clopper and Pearson: a true share below it shows at least `successes` of `n` with
 * probability at most `delta`. 0 without samples. Sound for n to 1e6 and beyond.
 */
export function binomialLower(successes: number, n: number, delta: number): number {
  if (successes <= 0 || n <= 0) return 0;
  if (successes >= n) return Math.exp(Math.log(delta) / n);
  let low = 0;
  let high = successes / n;
  for (let i = 0; i < bisections; i++) {
    const p = (low + high) / 2;
    if (binomialAtLeast(successes, n, p) <= delta) low = p;
    else high = p;
  }
  return low;
}

/** The exact one-sided upper bound of a share; 1 without samples. */
export function binomialUpper(successes: number, n: number, delta: number): number {
  return 1 - binomialLower(n - successes, n, delta);
}

// ---- Loss: the default ---------------------------------------------------------------------------------------------------

/**
 * Upper bound on the loss E[D] at confidence 1 − delta from `losses` and `gains` among `n` samples: exact, for the trinomial D.
 *
 * Write q = P(D ≠ 0) and S = losses − gains. For a loss b under test, P(S ≤ s) depends on the unknown q only; q is bounded from
 * above by Clopper and Pearson at γ = δ / 20, and b is rejected when γ + max over q ≤ that bound of P(S ≤ s) is at most δ
 * (Berger and Boos, "P values maximized over a confidence set for the nuisance parameter", JASA 1994). The bound is the least b from
 * which on everything is rejected. The maximum is at the bound of q itself, without a search:
 *
 *   - ∂P(Sₙ ≤ s)/∂q = n/2 · (P(Sₙ₋₁ = s + 1) − P(Sₙ₋₁ = s)), by moving one sample's probability from 0 to ±1;
 *   - the generating polynomial of D + 1 has real roots while q ≤ ½, so S + n is a sum of independent Bernoulli variables
 *     and its mode lies less than 1 from its mean (Darroch 1964): the derivative is positive while s ≤ (n − 1) b − 2. A b that
 *     s does not clear by that much is never rejected;
 *   - past q = ½, which no useful level reaches, P(S ≤ s) is bounded by Hoeffding–Bentkus instead.
 *
 * The same roots make S the difference of two independent binomial counts, so one tail is a sum over a few hundred terms, and for a
 * fixed q it falls as b grows, so bisection is sound.
 *
 * Chosen as default because it is the tightest where levels are certified. n = 10,000, δ = 0.05, bounds in hundredths:
 *
 *   losses, gains               25, 20   40, 30   12, 8    60, 55   5, 0    100, 90
 *   this one                     0.191    0.268    0.144    0.258    0.117    0.359
 *   betting (median of orders)   0.210    0.277    0.151    0.285    0.136    0.413
 *   Clopper–Pearson, split δ     0.247    0.342    0.175    0.357    0.117    0.491
 *   Hoeffding–Bentkus            2.158    2.198    2.138    2.158    2.158    2.198
 *
 * (With no difference at all it is 0.043 against 0.035 of betting. A share for γ between δ/50 and δ/10 changes the last digits only.)
 * Summed over all outcomes at n = 10,000 it fails in 2 to 3 % of samples where 5 % are allowed: the price of not knowing q.
 * The others pay for a bet where this one pays a normal quantile, and depend on the order (betting), give losses and gains bad luck
 * at the same time (split), or cannot see that D is almost always 0 (Hoeffding–Bentkus).
 */
export function lossUpper(losses: number, gains: number, n: number, delta: number): number {
  if (n <= 0) return 1;
  const gamma = delta * nuisanceShare;
  const net = losses - gains;
  const differing = binomialUpper(losses + gains, n, gamma);
  const rejects = (loss: number): boolean => {
    if (net > (n - 1) * loss - 2) return false;
    let tail = 0;
    if (loss <= 0.5) tail = differenceAtMost(net, n, Math.min(differing, 0.5), loss);
    if (differing > 0.5) tail = Math.max(tail, hoeffdingBentkus((n + net) / 2, n, (1 + loss) / 2));
    return tail + gamma + roundingSlack <= delta;
  };
  return leastRejected(rejects, Math.max(-differing, net / n), differing);
}

/** The least value from which `rejects` holds, by 60 halvings, rounded up. `rejects` must never turn false as its argument grows. */
function leastRejected(rejects: (value: number) => boolean, from: number, to: number): number {
  let low = from;
  let high = to;
  for (let i = 0; i < bisections && high - low > 1e-12; i++) {
    const middle = (low + high) / 2;
    if (rejects(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * P(S ≤ s) where S sums n values of +1, −1 and 0 with P(+1) + P(−1) = `differing` ≤ ½ and P(+1) − P(−1) = `mean`.
 * P(−1) + P(0) x + P(+1) x² = (u + (1 − u) x)(1 − v + v x) with v = u + mean, so S = Binomial(n, v) − Binomial(n, u), independent.
 */
function differenceAtMost(s: number, n: number, differing: number, mean: number): number {
  const minus = Math.max(0, (differing - mean) / 2);
  const u = (2 * minus) / (1 - mean + Math.sqrt(Math.max(0, (1 - mean) ** 2 - 4 * minus)));
  const down = binomialWindow(n, u);
  const up = binomialWindow(n, Math.max(0, u + mean));
  let total = 0;
  let cumulated = 0; // P(up count ≤ next − 1)
  let next = up.first;
  for (let i = 0; i < down.mass.length; i++) {
    const most = s + down.first + i;
    for (; next <= most && next - up.first < up.mass.length; next++) cumulated += up.mass[next - up.first];
    total += down.mass[i] * cumulated;
  }
  return total;
}

/** P(X = first + i) for every count that matters: what is left out sums to less than 1e-18. */
function binomialWindow(n: number, p: number): { first: number; mass: number[] } {
  const mode = Math.min(n, Math.floor((n + 1) * p));
  const peak = binomialMass(mode, n, p);
  const mass: number[] = [];
  for (let k = mode, m = peak; k > 0 && m > 1e-24; k--) mass.push((m *= (k / (n - k + 1)) * ((1 - p) / p)));
  const first = mode - mass.length;
  mass.reverse().push(peak);
  for (let k = mode, m = peak; k < n && m > 1e-24; k++) mass.push((m *= ((n - k) / (k + 1)) * (p / (1 - p))));
  return { first, mass };
}

// ---- Loss: bounds for any bounded mean, for the far tail and for precision@k ---------------------------------------------------

/**
 * An upper bound on P(X₁ + … + Xₙ ≤ sum) for independent Xᵢ in [0, 1] of mean `mean`, whatever their distribution: the smaller of
 * Hoeffding's (relative entropy) and Bentkus's (e times a binomial tail), as in Bates et al., "Distribution-free,
 * risk-controlling prediction sets" (2021).
 */
export function hoeffdingBentkus(sum: number, n: number, mean: number): number {
  const observed = sum / n;
  if (observed >= mean) return 1;
  const entropy = deviance(sum, n * mean) + deviance(n - sum, n * (1 - mean));
  return Math.min(1, Math.exp(-entropy), Math.E * binomialAtMost(Math.ceil(sum), n, mean));
}

/**
 * Upper bound on E[D] by betting (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024; the
 * one-sided capital process with plug-in bets). Against "the loss is b" a gambler stakes a share of the capital on each
 * sample being below b; the stakes come from the samples before, so the capital is a supermartingale wherever the loss is at least b, and
 * reaches 1/δ with probability at most δ. Needs the samples in an order fixed without looking at them.
 */
export function lossUpperBetting(differences: Int8Array | Float32Array, delta: number): number {
  return differences.length === 0 ? 1 : leastRejected(rejectsByBetting(differences, delta), -1, 1);
}

/** Whether betting rejects a loss. */
function rejectsByBetting(differences: Int8Array | Float32Array, delta: number): (loss: number) => boolean {
  const n = differences.length;
  const goal = Math.log(1 / delta);
  // Stakes before truncation, the same for every b: sqrt(2 log(1/δ) / (n σ²)), σ² from the samples before and a prior of 16 samples
  // of variance 1/16.
  const stakes = new Float64Array(n);
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const mean = sum / (i + 1);
    stakes[i] = Math.sqrt((2 * goal) / (n * ((1 + squares - mean * sum) / (16 + i))));
    sum += differences[i];
    squares += differences[i] * differences[i];
  }
  return (loss) => {
    if (loss >= 1) return true;
    const most = 0.9 / (1 - loss); // D ≤ 1: keeps every factor at least 0.1
    let log = 0;
    let product = 1;
    for (let i = 0; i < n; i++) {
      product *= 1 + Math.min(stakes[i], most) * (loss - differences[i]);
      if (product < 1e-100 || product > 1e100) {
        log += Math.log(product);
        product = 1;
      }
      if (log + (product > 1 ? Math.log(product) : 0) >= goal) return true;
    }
    return false;
  };
}

// ---- How many samples -------------------------------------------------------------------------------------------------------

/**
 * The fewest samples that can certify a promise, which they do if not one of them disagrees or is a mistake. Infinity for a promise that no
 * number of samples can prove (no loss, agreement 1).
 * @param depth above 1 where being right comes in degrees (precision@k), whose loss is bounded by betting
 */
export function samplesNeeded(kind: "loss" | "agreement" | "accuracy", bound: number, confidence: number, depth = 1): number {
  const delta = 1 - confidence;
  if (!(delta > 0) || !(kind === "loss" ? bound > 0 : bound < 1)) return Number.POSITIVE_INFINITY;
  const enough = (n: number): boolean => {
    if (kind !== "loss") return binomialLower(n, n, delta) >= bound;
    return depth > 1 ? rejectsByBetting(new Int8Array(n), delta)(bound) : lossUpper(0, 0, n, delta) <= bound;
  };
  let high = 1;
  while (!enough(high)) if ((high *= 2) > (depth > 1 ? 2 ** 22 : 2 ** 40)) return Number.POSITIVE_INFINITY;
  let low = high >> 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}
