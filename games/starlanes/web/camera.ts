/** From metres of the zone to pixels of the screen: the own ship in the middle. */

/** Metres that the shorter side of the screen shows. */
const METRES_SHOWN = 150;

export interface Camera {
  readonly x: number;
  readonly y: number;
  /** Pixels of one metre. */
  readonly scale: number;
  readonly width: number;
  readonly height: number;
}

/** Fits the canvas to its place on the page, in the screen's own pixels, and looks at (x, y). */
export function lookAt(canvas: HTMLCanvasElement, x: number, y: number): Camera {
  const ratio = devicePixelRatio;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  return { x, y, scale: Math.min(width, height) / METRES_SHOWN, width, height };
}

/** Draws in metres from here on. */
export function applyCamera(pen: CanvasRenderingContext2D, { x, y, scale, width, height }: Camera): void {
  pen.setTransform(scale, 0, 0, scale, width / 2 - x * scale, height / 2 - y * scale);
}
