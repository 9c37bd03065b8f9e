// Computed decimals without the rounding of binary fractions: in JavaScript 0.7 / 100 is 0.006999999999999999.

/** A result rounded to twelve significant digits: 0.007 for 0.7 / 100, 0.93 for 1 - 0.07. */
export const decimal = (result: number): number => Number(result.toPrecision(12));
