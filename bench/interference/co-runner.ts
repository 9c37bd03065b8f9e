// A process that fights for the machine until it is killed: `compute` keeps a core's arithmetic busy, `memory` streams through 64 MB again
// and again. Started by co-runners.ts, which waits for its word that it is at it.

const [kind] = process.argv.slice(2);
const streamed = new Float64Array(kind === "memory" ? 8 << 20 : 0).fill(1);

process.stdout.write("busy\n", () => {
  let sum = 1;
  for (;;) {
    if (kind === "memory") for (let i = 0; i < streamed.length; i++) sum += streamed[i];
    else for (let i = 0; i < 1e7; i++) sum = sum * 1.0000001 + 1e-9;
    // keeps the loops from being found useless
    if (!(sum < 1e300)) sum = 1;
  }
});
