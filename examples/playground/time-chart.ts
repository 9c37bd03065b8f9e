// What the latest queries took on a logarithmic scale, under the objective and densely, and the deadline as a line.

import type { Raced } from "./messages.ts";

const [leastMs, mostMs] = [0.004, 25];
const leftPixels = 56;

export function drawTimes(canvas: HTMLCanvasElement, window: readonly Raced[], most: number, deadlineMs: number | null): void {
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const sharp = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * sharp)) canvas.width = Math.round(width * sharp);
  if (canvas.height !== Math.round(height * sharp)) canvas.height = Math.round(height * sharp);
  const style = getComputedStyle(canvas);
  const color = (name: string): string => style.getPropertyValue(name);
  const y = (ms: number): number =>
    height - (height * Math.log(Math.min(mostMs, Math.max(ms, leastMs)) / leastMs)) / Math.log(mostMs / leastMs);
  const line = (ms: number): void => {
    context.beginPath();
    context.moveTo(leftPixels, y(ms));
    context.lineTo(width, y(ms));
    context.stroke();
  };
  context.setTransform(sharp, 0, 0, sharp, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = `${style.fontSize} ${style.fontFamily}`;
  context.textBaseline = "middle";
  context.textAlign = "right";
  context.lineWidth = 1;
  context.strokeStyle = color("--line");
  context.fillStyle = color("--muted");
  for (const ms of [0.01, 0.1, 1, 10]) {
    line(ms);
    context.fillText(`${ms} ms`, leftPixels - 8, y(ms));
  }
  const step = (width - leftPixels - 3) / most;
  for (const [way, name] of [
    ["dense", "--dense"],
    ["asked", "--accent"],
  ] as const) {
    context.fillStyle = color(name);
    window.forEach((row, i) => {
      const { ms } = row[way];
      const isLate = deadlineMs !== null && ms > deadlineMs;
      const size = isLate ? 4 : 3;
      context.fillRect(leftPixels + i * step, y(ms) - size / 2, size, size);
    });
  }
  if (deadlineMs === null) return;
  context.strokeStyle = color("--warn");
  context.fillStyle = color("--warn");
  context.lineWidth = 2;
  context.setLineDash([8, 6]);
  line(deadlineMs);
  context.setLineDash([]);
  context.textBaseline = "bottom";
  context.fillText("deadline", width - 4, y(deadlineMs) - 3);
}
