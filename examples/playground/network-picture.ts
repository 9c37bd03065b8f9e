// A network as pictures side by side: its input, then its layers, each a block of cells, one a node, those lit that were computed for
// this very input.

/** Up to this many nodes stand in one column. */
const mostInColumn = 16;
/** Height of a picture in the page's pixels. */
const side = 188;

export interface Pictured {
  name: string;
  width: number;
  /** The nodes to light; null: all of them. */
  lit: Uint32Array | null;
  /** What stands below, in words. */
  text: string;
  /** And smaller, below that. */
  more: string;
}

export function createLayers(parent: HTMLElement, count: number): void {
  const figures = Array.from({ length: count }, () => {
    const figure = document.createElement("figure");
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true"); // the caption tells it
    const caption = document.createElement("figcaption");
    caption.append(document.createElement("b"), document.createElement("span"), document.createElement("small"));
    figure.append(canvas, caption);
    return figure;
  });
  parent.replaceChildren(...figures);
}

export function showLayers(parent: HTMLElement, layers: readonly Pictured[]): void {
  layers.forEach(({ name, width, lit, text, more }, i) => {
    const figure = parent.children[i];
    const [canvas] = figure.getElementsByTagName("canvas");
    const [title] = figure.getElementsByTagName("b");
    const [caption] = figure.getElementsByTagName("span");
    const [small] = figure.getElementsByTagName("small");
    title.textContent = name;
    caption.textContent = text;
    small.textContent = more;
    draw(canvas, width, lit);
  });
}

function draw(canvas: HTMLCanvasElement, width: number, lit: Uint32Array | null): void {
  const columns = width <= mostInColumn ? 1 : Math.ceil(Math.sqrt(width));
  const rows = Math.ceil(width / columns);
  const height = Math.round(side * (devicePixelRatio || 1));
  const cellSide = height / rows;
  const across = Math.ceil(cellSide * columns);
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== height) canvas.height = height;
  canvas.style.blockSize = `${side}px`;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const style = getComputedStyle(canvas);
  const gap = cellSide > 3 ? Math.max(1, Math.floor(cellSide / 10)) : 0;
  /** From and to whole pixels, so that gaps are of one width; a cell is never too small to see. */
  const span = (i: number): [number, number] => {
    const from = Math.round(i * cellSide);
    return [from, Math.max(Math.round((i + 1) * cellSide) - gap - from, gap === 0 ? 2 : 1)];
  };
  const cell = (node: number): void => {
    const [x, cellWidth] = span(node % columns);
    const [y, cellHeight] = span(Math.floor(node / columns));
    context.fillRect(x, y, cellWidth, cellHeight);
  };
  context.clearRect(0, 0, across, height);
  context.fillStyle = style.getPropertyValue(lit ? "--cell" : "--accent");
  for (let node = 0; node < width; node++) cell(node);
  if (!lit) return;
  context.fillStyle = style.getPropertyValue("--accent");
  for (const node of lit) cell(node);
}
