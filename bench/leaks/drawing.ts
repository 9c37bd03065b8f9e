// Memory over cycles and over queries as one SVG that reads on light and dark pages: resident memory as lines, the heap dashed.

export interface Sample {
  /** Cycles or queries so far. */
  at: number;
  /** Bytes. */
  heap: number;
  resident: number;
}

export interface Line {
  name: string;
  step: "cycles" | "queries";
  samples: readonly Sample[];
}

const [width, height, left, top, gap] = [380, 220, 52, 34, 40];
const colors = ["#1f77d0", "#c77812"];
const titles = { cycles: "sessions made, asked and disposed", queries: "queries on one session" };

export function drawMemory(lines: readonly Line[]): string {
  const mostMb = Math.max(...lines.flatMap(({ samples }) => samples.map(({ resident }) => resident))) / 2 ** 20;
  const stepMb = [25, 50, 100, 200, 500].find((step) => mostMb / step <= 6) ?? 1000;
  const topMb = stepMb * Math.ceil(mostMb / stepMb);
  const y = (bytes: number): number => top + height - (height * bytes) / 2 ** 20 / topMb;
  const names = [...new Set(lines.map(({ name }) => name))];
  const panels = (["cycles", "queries"] as const).map((step, panel) => {
    const from = left + panel * (width + gap);
    const own = lines.filter((line) => line.step === step);
    const most = Math.max(...own.flatMap(({ samples }) => samples.map(({ at }) => at)));
    const path = (samples: readonly Sample[], key: "heap" | "resident"): string =>
      samples.map((sample, i) => `${i ? "L" : "M"}${(from + (width * sample.at) / most).toFixed(1)} ${y(sample[key]).toFixed(1)}`).join("");
    const grid = Array.from({ length: topMb / stepMb + 1 }, (_, i) => {
      const at = y(i * stepMb * 2 ** 20).toFixed(1);
      const label = panel === 0 ? `<text x="${from - 8}" y="${at}" text-anchor="end" dominant-baseline="middle">${i * stepMb}</text>` : "";
      return `<path class="grid" d="M${from} ${at}h${width}"/>${label}`;
    });
    const drawn = own.map(
      ({ name, samples }) =>
        `<g stroke="${colors[names.indexOf(name)]}"><path d="${path(samples, "resident")}"/>` +
        `<path stroke-dasharray="4 3" d="${path(samples, "heap")}"/></g>`,
    );
    const title = `<text x="${from}" y="${top - 14}">${most.toLocaleString("en")} ${titles[step]}</text>`;
    return `${title}${grid.join("")}<g class="lines">${drawn.join("")}</g>`;
  });
  const legend = names.map(
    (name, i) => `<tspan fill="${colors[i]}" x="${left + i * 150}" y="${top + height + 28}">■ <tspan class="name">${name}</tspan></tspan>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + 2 * width + gap + 12} ${top + height + 42}" role="img">
<title>Memory in MB over sessions and over queries</title>
<style>text{font:12px system-ui,sans-serif;fill:#5b6470}.name{fill:#5b6470}.grid{stroke:#8884;fill:none}.lines{fill:none;stroke-width:2}</style>
${panels.join("\n")}
<text>${legend.join("")}<tspan class="name" x="${left + names.length * 150}">MB resident; dashed: JavaScript heap</tspan></text>
</svg>
`;
}
