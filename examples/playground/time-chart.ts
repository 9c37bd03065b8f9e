// The latest queries' times on a logarithmic scale, under the objective and dense, and the deadline as a line.

export interface Timed {
  asked: number;
  dense: number;
}

const [leastMs, mostMs] = [0.005, 50];

export function drawTimes(canvas: HTMLCanvasElement, times: readonly Timed[], shown: number, deadlineMs: number | null): void {
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const { width, height } = canvas;
  const style = getComputedStyle(canvas);
  const color = (name: string): string => style.getPropertyValue(name);
  const y = (ms: number): number => height - (height * Math.log(Math.max(ms, leastMs) / leastMs)) / Math.log(mostMs / leastMs);
  context.clearRect(0, 0, width, height);
  context.font = `${style.fontSize} ${style.fontFamily}`;
  context.lineWidth = 1;
  for (const ms of [0.01, 0.1, 1, 10]) {
    context.strokeStyle = color("--cell");
    context.beginPath();
    context.moveTo(0, y(ms));
    context.lineTo(width, y(ms));
    context.stroke();
    context.fillStyle = color("--muted");
    context.fillText(`${ms} ms`, 4, y(ms) - 4);
  }
  const from = Math.max(0, times.length - shown);
  for (const [key, name] of [
    ["dense", "--muted"],
    ["asked", "--accent"],
  ] as const) {
    context.fillStyle = color(name);
    for (let i = from; i < times.length; i++) context.fillRect(((i - from) / shown) * width, y(times[i][key]) - 2, 4, 4);
  }
  if (deadlineMs === null) return;
  context.strokeStyle = color("--warn");
  context.lineWidth = 2;
  context.setLineDash([8, 6]);
  context.beginPath();
  context.moveTo(0, y(deadlineMs));
  context.lineTo(width, y(deadlineMs));
  context.stroke();
  context.setLineDash([]);
}
