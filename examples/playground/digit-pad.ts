// A pad to draw a digit on, by pointer or keyboard, and what the network gets of it: 28 × 28 pixels, scaled and centred as MNIST's are.

const side = 28;
const pixels = side * side;

export interface DigitPad {
  clear(): void;
  /** Shows an image of 784 values from 0 to 1. */
  show(image: Float32Array): void;
  /** The drawing as the network's input; null where nothing is drawn. */
  input(): Float32Array | null;
  redraw(): void;
}

export function createDigitPad(canvas: HTMLCanvasElement, onChange: () => void): DigitPad {
  const ink = new Float32Array(pixels);
  const cursor = { x: side >> 1, y: 6, isDown: false, isShown: false };
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;

  const redraw = (): void => {
    const { width } = canvas;
    const cell = width / side;
    const style = getComputedStyle(canvas);
    context.clearRect(0, 0, width, width);
    context.fillStyle = style.getPropertyValue("--text");
    ink.forEach((value, i) => {
      if (value === 0) return;
      context.globalAlpha = value;
      context.fillRect((i % side) * cell, Math.floor(i / side) * cell, cell, cell);
    });
    context.globalAlpha = 1;
    if (!cursor.isShown) return;
    context.strokeStyle = style.getPropertyValue("--accent");
    context.lineWidth = cursor.isDown ? 4 : 2;
    context.strokeRect(cursor.x * cell, cursor.y * cell, cell, cell);
  };

  /** A round brush about two pixels wide. */
  const dab = (x: number, y: number): void => {
    for (let py = Math.max(0, Math.floor(y - 2)); py <= Math.min(side - 1, y + 2); py++)
      for (let px = Math.max(0, Math.floor(x - 2)); px <= Math.min(side - 1, x + 2); px++) {
        const distance = Math.hypot(px + 0.5 - x, py + 0.5 - y);
        const at = py * side + px;
        ink[at] = Math.max(ink[at], Math.min(1, Math.max(0, 1.8 - distance)));
      }
  };
  const changed = (): void => {
    redraw();
    onChange();
  };

  let last: { x: number; y: number } | null = null;
  const drawTo = (event: PointerEvent): void => {
    const box = canvas.getBoundingClientRect();
    const to = { x: ((event.clientX - box.left) / box.width) * side, y: ((event.clientY - box.top) / box.height) * side };
    const from = last ?? to;
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(to.x - from.x, to.y - from.y)));
    for (let s = 1; s <= steps; s++) dab(from.x + ((to.x - from.x) * s) / steps, from.y + ((to.y - from.y) * s) / steps);
    last = to;
    changed();
  };
  // one finger or the main button draws; others beside it would pull the line to where they are
  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    drawTo(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!event.isPrimary) return;
    // a menu may have taken the button's release
    if (!(event.buttons & 1)) last = null;
    if (last) drawTo(event);
  });
  for (const type of ["pointerup", "pointercancel"] as const)
    canvas.addEventListener(type, ({ isPrimary }) => {
      if (isPrimary) last = null;
    });

  const moves: Record<string, [x: number, y: number] | undefined> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  canvas.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (move) {
      cursor.x = Math.min(side - 2, Math.max(1, cursor.x + move[0]));
      cursor.y = Math.min(side - 2, Math.max(1, cursor.y + move[1]));
    } else if (event.key === " " || event.key === "Enter") cursor.isDown = !cursor.isDown;
    else if (event.key === "Delete" || event.key === "Backspace") {
      ink.fill(0);
      cursor.isDown = false;
    } else return;
    event.preventDefault();
    cursor.isShown = true;
    if (cursor.isDown) dab(cursor.x + 0.5, cursor.y + 0.5);
    changed();
  });
  canvas.addEventListener("focus", () => {
    cursor.isShown = canvas.matches(":focus-visible");
    redraw();
  });
  canvas.addEventListener("blur", () => {
    cursor.isShown = cursor.isDown = false;
    redraw();
  });

  return {
    redraw,
    clear() {
      ink.fill(0);
      changed();
    },
    show(image) {
      ink.set(image);
      changed();
    },
    input: () => (ink.some((value) => value > 0.3) ? normalized(ink) : null),
  };
}

/** The drawing scaled to 20 pixels on its longer side, its centre of mass in the middle. */
function normalized(ink: Float32Array): Float32Array {
  let [left, right, top, bottom] = [side, 0, side, 0];
  ink.forEach((value, i) => {
    if (value <= 0.1) return;
    left = Math.min(left, i % side);
    right = Math.max(right, (i % side) + 1);
    top = Math.min(top, Math.floor(i / side));
    bottom = Math.max(bottom, Math.floor(i / side) + 1);
  });
  const scale = Math.max(right - left, bottom - top) / 20;
  const [centerX, centerY] = [(left + right) / 2, (top + bottom) / 2];
  const scaled = resampled(ink, (x, y) => [centerX + (x - side / 2) * scale, centerY + (y - side / 2) * scale]);
  let [mass, massX, massY] = [0, 0, 0];
  scaled.forEach((value, i) => {
    mass += value;
    massX += value * ((i % side) + 0.5);
    massY += value * (Math.floor(i / side) + 0.5);
  });
  const [offsetX, offsetY] = [Math.round(massX / mass - side / 2), Math.round(massY / mass - side / 2)];
  return resampled(scaled, (x, y) => [x + offsetX, y + offsetY]);
}

/** An image whose pixel at (x, y) is the other's at `from(x, y)`, interpolated. */
function resampled(image: Float32Array, from: (x: number, y: number) => [number, number]): Float32Array {
  const at = (x: number, y: number): number => (x >= 0 && x < side && y >= 0 && y < side ? image[y * side + x] : 0);
  return Float32Array.from({ length: pixels }, (_, i) => {
    const [x, y] = from((i % side) + 0.5, Math.floor(i / side) + 0.5);
    const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
    const [dx, dy] = [x - 0.5 - left, y - 0.5 - top];
    return (
      (at(left, top) * (1 - dx) + at(left + 1, top) * dx) * (1 - dy) + (at(left, top + 1) * (1 - dx) + at(left + 1, top + 1) * dx) * dy
    );
  });
}
