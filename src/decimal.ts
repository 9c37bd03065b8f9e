// Decimals that were computed: binary fractions miss them by a little.

/** The decimal a result stands for, to twelve digits: 0.007 of 0.7 / 100, 0.93 of 1 - 0.07. */
export const decimal = (result: number): number => Number(result.toPrecision(12));
