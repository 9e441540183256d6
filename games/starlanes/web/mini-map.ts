/** The whole zone, small: what is in sight now, and the stations that have been seen. The rest is not known here. */
import { colourOf } from "./bodies.ts";
import { lookAt } from "./camera.ts";
import type { Body } from "./scene.ts";
import type { Zone } from "./space.ts";

export class MiniMap {
  readonly #pen: CanvasRenderingContext2D;
  readonly #stations = new Map<number, Body>();

  constructor(pen: CanvasRenderingContext2D) {
    this.#pen = pen;
  }

  /** Another zone may be another place. */
  clear(): void {
    this.#stations.clear();
  }

  draw(bodies: readonly Body[], zone: Zone): void {
    const { width, height } = lookAt(this.#pen.canvas, 0, 0);
    const pen = this.#pen;
    const scale = Math.min(width / zone.width, height / zone.height);
    const point = (2.2 * devicePixelRatio) / scale;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, zone.width, zone.height);
    const own = bodies.find((body) => body.own);
    if (own) {
      pen.fillStyle = "rgba(125, 243, 255, 0.08)";
      pen.beginPath();
      pen.arc(own.x, own.y, zone.interest, 0, Math.PI * 2);
      pen.fill();
    }
    for (const body of bodies) if (body.kind === "station") this.#stations.set(body.id, body);
    for (const station of this.#stations.values()) {
      pen.strokeStyle = colourOf(station);
      pen.lineWidth = point * 0.6;
      pen.beginPath();
      pen.arc(station.x, station.y, 24, 0, Math.PI * 2);
      pen.stroke();
    }
    for (const body of bodies) {
      if (body.kind === "station" || body.kind === "shot") continue;
      const size = body.own ? point * 2.4 : point * 1.5;
      pen.fillStyle = colourOf(body);
      pen.fillRect(body.x - size / 2, body.y - size / 2, size, size);
    }
  }
}
