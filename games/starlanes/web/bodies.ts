/** Ships, drones, stations, crates and shots, drawn in metres. */
import type { Body } from "./scene.ts";

const TAU = Math.PI * 2;
const OWN = "#7df3ff";
const DRONE = "#ff5d73";
const SHOT = "#ffe08a";
const STATION = "#58d6a9";
const STATION_RADIUS = 24;
const CRATE = "#c9a26b";
const CRATE_SIDE = 3;

/** Other players' colours: by id, so that a ship keeps its own. */
const OTHERS = ["#ffb454", "#a5b4ff", "#f4a0ff", "#9be564", "#ffd166", "#6fc3ff"] as const;

export function colourOf({ kind, own, id }: Pick<Body, "kind" | "own" | "id">): string {
  if (own) return OWN;
  if (kind === "drone") return DRONE;
  if (kind === "station") return STATION;
  if (kind === "shot") return SHOT;
  if (kind === "crate") return CRATE;
  return OTHERS[id % OTHERS.length] ?? OTHERS[0];
}

/** `thrust` is the own ship's: others' is not known here, so no flame is drawn for them. */
export function drawBody(pen: CanvasRenderingContext2D, body: Body, seconds: number, thrust: number): void {
  const colour = colourOf(body);
  pen.save();
  pen.translate(body.x, body.y);
  if (body.kind === "station") drawStation(pen, colour, seconds);
  else if (body.kind === "shot") drawShot(pen, colour, body.before.x - body.x, body.before.y - body.y);
  else if (body.kind === "crate") drawCrate(pen, colour, body.heading);
  else {
    pen.save();
    pen.rotate(body.heading);
    if (body.kind === "drone") drawDrone(pen, colour);
    else drawShip(pen, colour, body.own ? thrust : 0, seconds);
    pen.restore();
    drawHull(pen, body.hull, colour);
  }
  pen.restore();
}

function drawShip(pen: CanvasRenderingContext2D, colour: string, thrust: number, seconds: number): void {
  if (thrust > 0) {
    const flame = (2.2 + Math.sin(seconds * 50) * 0.5) * thrust;
    pen.fillStyle = "rgba(255, 170, 80, 0.9)";
    polygon(pen, [-1.6, -0.7, -1.6 - flame, 0, -1.6, 0.7]);
    pen.fill();
  }
  pen.shadowColor = colour;
  pen.shadowBlur = 14;
  pen.fillStyle = colour;
  polygon(pen, [3.1, 0, -2, 2, -1.2, 0, -2, -2]);
  pen.fill();
  pen.shadowBlur = 0;
  pen.fillStyle = "rgba(6, 10, 19, 0.75)";
  polygon(pen, [1.5, 0, -0.2, 0.6, -0.2, -0.6]);
  pen.fill();
}

function drawDrone(pen: CanvasRenderingContext2D, colour: string): void {
  pen.shadowColor = colour;
  pen.shadowBlur = 10;
  pen.strokeStyle = colour;
  pen.lineWidth = 0.45;
  polygon(pen, [2.2, 0, 0, 1.7, -1.6, 0, 0, -1.7]);
  pen.stroke();
  pen.fillStyle = "rgba(255, 93, 115, 0.3)";
  pen.fill();
  pen.shadowBlur = 0;
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(0.4, 0, 0.5, 0, TAU);
  pen.fill();
}

function drawCrate(pen: CanvasRenderingContext2D, colour: string, heading: number): void {
  const half = CRATE_SIDE / 2;
  pen.rotate(heading);
  pen.fillStyle = "rgba(201, 162, 107, 0.35)";
  pen.fillRect(-half, -half, CRATE_SIDE, CRATE_SIDE);
  pen.strokeStyle = colour;
  pen.lineWidth = 0.35;
  polygon(pen, [-half, -half, half, -half, half, half, -half, half]);
  pen.stroke();
  polygon(pen, [-half, -half, half, half]);
  pen.stroke();
}

/** A glowing head with a tail to where it was a moment before. */
function drawShot(pen: CanvasRenderingContext2D, colour: string, tailX: number, tailY: number): void {
  const tail = pen.createLinearGradient(0, 0, tailX, tailY);
  tail.addColorStop(0, colour);
  tail.addColorStop(1, "rgba(255, 224, 138, 0)");
  pen.strokeStyle = tail;
  pen.lineWidth = 0.5;
  pen.beginPath();
  pen.moveTo(0, 0);
  pen.lineTo(tailX, tailY);
  pen.stroke();
  pen.shadowColor = colour;
  pen.shadowBlur = 16;
  pen.fillStyle = "#fff8e0";
  pen.beginPath();
  pen.arc(0, 0, 0.5, 0, TAU);
  pen.fill();
  pen.shadowBlur = 0;
}

function drawStation(pen: CanvasRenderingContext2D, colour: string, seconds: number): void {
  const body = pen.createRadialGradient(0, 0, 4, 0, 0, STATION_RADIUS);
  body.addColorStop(0, "rgba(88, 214, 169, 0.28)");
  body.addColorStop(0.75, "rgba(20, 60, 66, 0.5)");
  body.addColorStop(1, "rgba(12, 30, 40, 0.85)");
  pen.fillStyle = body;
  pen.beginPath();
  pen.arc(0, 0, STATION_RADIUS, 0, TAU);
  pen.fill();
  pen.strokeStyle = colour;
  pen.lineWidth = 0.7;
  pen.stroke();
  pen.rotate(seconds * 0.06);
  pen.lineWidth = 0.35;
  pen.globalAlpha = 0.75;
  pen.beginPath();
  pen.arc(0, 0, STATION_RADIUS * 0.72, 0, TAU);
  pen.moveTo(7, 0);
  pen.arc(0, 0, 7, 0, TAU);
  for (let spoke = 0; spoke < 6; spoke++) {
    const angle = (spoke / 6) * TAU;
    pen.moveTo(Math.cos(angle) * 7, Math.sin(angle) * 7);
    pen.lineTo(Math.cos(angle) * STATION_RADIUS * 0.72, Math.sin(angle) * STATION_RADIUS * 0.72);
  }
  pen.stroke();
  pen.fillStyle = colour;
  for (let light = 0; light < 12; light++) {
    const angle = (light / 12) * TAU;
    pen.fillRect(Math.cos(angle) * 20.6 - 0.4, Math.sin(angle) * 20.6 - 0.4, 0.8, 0.8);
  }
  pen.globalAlpha = 1;
}

function drawHull(pen: CanvasRenderingContext2D, hull: number, colour: string): void {
  const width = 5;
  const share = Math.max(0, Math.min(1, hull / 100));
  pen.globalAlpha = hull >= 100 ? 0.35 : 0.95;
  pen.fillStyle = "rgba(160, 180, 210, 0.3)";
  pen.fillRect(-width / 2, -4.6, width, 0.55);
  pen.fillStyle = share > 0.5 ? colour : share > 0.25 ? "#ffb454" : "#ff5d73";
  pen.fillRect(-width / 2, -4.6, width * share, 0.55);
  pen.globalAlpha = 1;
}

/** `points` are x, y, x, y … */
function polygon(pen: CanvasRenderingContext2D, points: readonly number[]): void {
  pen.beginPath();
  for (let i = 0; i < points.length; i += 2) pen.lineTo(points[i] ?? 0, points[i + 1] ?? 0);
  pen.closePath();
}
