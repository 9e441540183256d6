/** What does not move: stars, the grid, the zone's edge, and how far the ship can see. */
import { applyCamera, type Camera } from "./camera.ts";

const GRID_METRES = 50;
const STAR_LAYERS = [
  { depth: 0.15, cell: 90, size: 1, alpha: 0.35 },
  { depth: 0.35, cell: 130, size: 1.5, alpha: 0.55 },
  { depth: 0.6, cell: 210, size: 2.2, alpha: 0.8 },
] as const;

export interface Zone {
  readonly width: number;
  readonly height: number;
  /** What is farther than this is not sent. */
  readonly interest: number;
}

export function drawSpace(pen: CanvasRenderingContext2D, camera: Camera, zone: Zone): void {
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = "#060a13";
  pen.fillRect(0, 0, camera.width, camera.height);
  drawNebula(pen, camera);
  for (const layer of STAR_LAYERS) drawStars(pen, camera, layer);
  applyCamera(pen, camera);
  drawGrid(pen, camera, zone);
  drawEdge(pen, camera, zone);
}

const CLOUDS = [
  { x: 300, y: 300, sprite: cloud("52, 92, 180") },
  { x: 760, y: 620, sprite: cloud("112, 52, 150") },
  { x: 420, y: 820, sprite: cloud("26, 112, 124") },
] as const;

/** Large soft colours that drift slowly: they give the eye a sense of speed. */
function drawNebula(pen: CanvasRenderingContext2D, { x, y, scale, width, height }: Camera): void {
  const size = Math.max(width, height) * 1.2;
  for (const at of CLOUDS) {
    const left = width / 2 + (at.x - x) * scale * 0.3 - size / 2;
    const top = height / 2 + (at.y - y) * scale * 0.3 - size / 2;
    pen.drawImage(at.sprite, left, top, size, size);
  }
}

/** Drawn once and small: a gradient over the whole screen in every frame would be most of its cost. */
function cloud(colour: string): OffscreenCanvas {
  const sprite = new OffscreenCanvas(128, 128);
  const pen = sprite.getContext("2d");
  const glow = pen?.createRadialGradient(64, 64, 0, 64, 64, 64);
  if (!pen || !glow) return sprite;
  glow.addColorStop(0, `rgba(${colour}, 0.22)`);
  glow.addColorStop(1, `rgba(${colour}, 0)`);
  pen.fillStyle = glow;
  pen.fillRect(0, 0, 128, 128);
  return sprite;
}

/** One star in each cell of an endless sheet, at a place that only the cell decides. */
function drawStars(
  pen: CanvasRenderingContext2D,
  { x, y, scale, width, height }: Camera,
  { depth, cell, size, alpha }: (typeof STAR_LAYERS)[number],
): void {
  const left = x * scale * depth;
  const top = y * scale * depth;
  pen.fillStyle = "#cfe0ff";
  for (let row = Math.floor(top / cell); row <= (top + height) / cell; row++) {
    for (let column = Math.floor(left / cell); column <= (left + width) / cell; column++) {
      const chance = hash(column, row, cell);
      pen.globalAlpha = alpha * (0.3 + 0.7 * hash(row, column, cell));
      pen.fillRect((column + chance) * cell - left, (row + hash(column, row, 7)) * cell - top, size, size);
    }
  }
  pen.globalAlpha = 1;
}

/** 0 … 1 from three integers, the same on every screen. */
function hash(a: number, b: number, c: number): number {
  let mixed = Math.imul(a, 0x27d4eb2d) ^ Math.imul(b, 0x165667b1) ^ Math.imul(c, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 4_294_967_296;
}

function drawGrid(pen: CanvasRenderingContext2D, { scale }: Camera, { width, height }: Zone): void {
  pen.strokeStyle = "rgba(120, 160, 220, 0.09)";
  pen.lineWidth = 1 / scale;
  pen.beginPath();
  for (let x = GRID_METRES; x < width; x += GRID_METRES) {
    pen.moveTo(x, 0);
    pen.lineTo(x, height);
  }
  for (let y = GRID_METRES; y < height; y += GRID_METRES) {
    pen.moveTo(0, y);
    pen.lineTo(width, y);
  }
  pen.stroke();
}

function drawEdge(pen: CanvasRenderingContext2D, { x, y, scale }: Camera, zone: Zone): void {
  pen.strokeStyle = "rgba(90, 200, 255, 0.5)";
  pen.lineWidth = 2 / scale;
  pen.strokeRect(0, 0, zone.width, zone.height);
  pen.strokeStyle = "rgba(120, 160, 220, 0.16)";
  pen.lineWidth = 1 / scale;
  pen.setLineDash([1.5, 2.5]);
  pen.beginPath();
  pen.arc(x, y, zone.interest, 0, Math.PI * 2);
  pen.stroke();
  pen.setLineDash([]);
}
