// A Worker that only makes the machine busy: it adds up memory larger than a cache, over and over, until it is ended.

const numbers = new Float64Array(2 << 20);
let sum = 0;

function work(): void {
  for (let i = 0; i < numbers.length; i++) sum += numbers[i]++;
  if (Number.isNaN(sum)) postMessage(sum); // never, but the sum has to be used
  setTimeout(work);
}
work();
