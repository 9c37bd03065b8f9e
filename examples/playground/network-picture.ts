// A layer as a picture: a square of cells, one a node, those lit that were computed for this very input.

/** @param lit the nodes to light; null: all of them */
export function drawLayer(canvas: HTMLCanvasElement, width: number, lit: Uint32Array | null): void {
  const columns = Math.ceil(Math.sqrt(width));
  const rows = Math.ceil(width / columns);
  const scale = Math.max(1, Math.floor(384 / columns));
  if (canvas.width !== columns * scale) canvas.width = columns * scale;
  if (canvas.height !== rows * scale) canvas.height = rows * scale;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const style = getComputedStyle(canvas);
  const gap = scale > 3 ? 1 : 0;
  const cell = (node: number): void =>
    context.fillRect((node % columns) * scale, Math.floor(node / columns) * scale, scale - gap, scale - gap);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = style.getPropertyValue(lit ? "--cell" : "--accent");
  for (let node = 0; node < width; node++) cell(node);
  if (!lit) return;
  context.fillStyle = style.getPropertyValue("--accent");
  for (const node of lit) cell(node);
}
