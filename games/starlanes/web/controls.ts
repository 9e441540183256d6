/**
 * What the pilot wants, from keys and from a pointer or fingers.
 *
 * Keys: arrows or WASD fly, space fires. Pointer: while it is held down the ship turns to it and flies there; the right
 * button or a second finger fires.
 */
import { turnBetween } from "./history.ts";

export interface Wish {
  readonly thrust: number;
  readonly turn: number;
  readonly fire: boolean;
}

const BACKWARDS = -0.5;
/** Radians off the pointer at which the ship turns with full force. */
const FULL_TURN_AT = 0.6;
/** Share of the smaller side of the screen that asks for full thrust. */
const FULL_THRUST_AT = 0.3;

export class Controls {
  readonly #keys = new Set<string>();
  readonly #pointers = new Map<number, PointerEvent>();

  constructor(surface: HTMLElement) {
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.code.startsWith("Arrow") || event.code === "Space") event.preventDefault();
      this.#keys.add(event.code);
    });
    addEventListener("keyup", ({ code }) => this.#keys.delete(code));
    // Keys that go up while another window has the focus are never told.
    addEventListener("blur", () => this.#letGo());
    surface.addEventListener("contextmenu", (event) => event.preventDefault());
    surface.addEventListener("pointerdown", (event) => {
      surface.setPointerCapture(event.pointerId);
      this.#pointers.set(event.pointerId, event);
    });
    surface.addEventListener("pointermove", (event) => {
      if (this.#pointers.has(event.pointerId)) this.#pointers.set(event.pointerId, event);
    });
    for (const end of ["pointerup", "pointercancel"] as const) {
      surface.addEventListener(end, ({ pointerId }) => this.#pointers.delete(pointerId));
    }
  }

  /** `heading` is where the ship points now; it is drawn in the middle of the screen. */
  wish(heading: number): Wish {
    const keys = {
      thrust: this.#held("ArrowUp", "KeyW") ? 1 : this.#held("ArrowDown", "KeyS") ? BACKWARDS : 0,
      turn: Number(this.#held("ArrowRight", "KeyD")) - Number(this.#held("ArrowLeft", "KeyA")),
    };
    const [first, ...others] = this.#pointers.values();
    const fire =
      this.#held("Space") || others.length > 0 || (first !== undefined && (first.buttons & 2) !== 0);
    const steers = first && first.buttons !== 2 ? first : undefined;
    return { ...(steers ? towards(steers, heading) : keys), fire };
  }

  #held(...codes: readonly string[]): boolean {
    return codes.some((code) => this.#keys.has(code));
  }

  #letGo(): void {
    this.#keys.clear();
    this.#pointers.clear();
  }
}

function towards({ clientX, clientY }: PointerEvent, heading: number): { thrust: number; turn: number } {
  const dx = clientX - innerWidth / 2;
  const dy = clientY - innerHeight / 2;
  const turn = turnBetween(heading, Math.atan2(dy, dx)) / FULL_TURN_AT;
  const thrust = Math.hypot(dx, dy) / (Math.min(innerWidth, innerHeight) * FULL_THRUST_AT);
  return { thrust: Math.min(1, thrust), turn: Math.max(-1, Math.min(1, turn)) };
}
