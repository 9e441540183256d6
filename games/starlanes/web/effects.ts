/** Sparks and bursts: short-lived, seen only here, told by the game's events. */
interface Burst {
  readonly x: number;
  readonly y: number;
  readonly began: number;
  readonly large: boolean;
  readonly angles: readonly number[];
}

const TAU = Math.PI * 2;
const SMALL_MS = 350;
const LARGE_MS = 900;

export class Effects {
  #bursts: Burst[] = [];

  burst(x: number, y: number, large: boolean, now: number): void {
    const angles = Array.from({ length: large ? 22 : 8 }, () => Math.random() * TAU);
    this.#bursts.push({ x, y, began: now, large, angles });
  }

  draw(pen: CanvasRenderingContext2D, now: number): void {
    this.#bursts = this.#bursts.filter(({ began, large }) => now - began < (large ? LARGE_MS : SMALL_MS));
    for (const burst of this.#bursts) {
      const share = (now - burst.began) / (burst.large ? LARGE_MS : SMALL_MS);
      const reach = (burst.large ? 11 : 4) * Math.sqrt(share);
      pen.globalAlpha = 1 - share;
      pen.strokeStyle = burst.large ? "#ff9d5c" : "#ffe08a";
      pen.lineWidth = burst.large ? 0.5 : 0.3;
      pen.beginPath();
      for (const [index, angle] of burst.angles.entries()) {
        const far = reach * (0.5 + 0.5 * ((index * 7) % 5) * 0.25);
        pen.moveTo(burst.x + Math.cos(angle) * far * 0.7, burst.y + Math.sin(angle) * far * 0.7);
        pen.lineTo(burst.x + Math.cos(angle) * far, burst.y + Math.sin(angle) * far);
      }
      pen.stroke();
      if (burst.large) {
        pen.beginPath();
        pen.arc(burst.x, burst.y, reach * 0.9, 0, TAU);
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
  }
}
