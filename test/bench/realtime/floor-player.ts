/** A connection of the bench to the floor: inputs and updates of the same size, and nothing in them. */

import type { HerdPlayer } from "../../bots/lean/herd.ts";
import { clientFrame, Line, upgradeRequest } from "../../bots/lean/line.ts";
import type { LeanShared } from "../../bots/lean/player.ts";

/** As long as one `walk` of ours. */
const INPUT = clientFrame(new Uint8Array(9));

export class FloorPlayer implements HerdPlayer {
  playing = false;
  readonly #shared: LeanShared;
  readonly #probe: boolean;
  #line: Line | undefined;
  #bytesBefore = 0;

  constructor(shared: LeanShared, probe: boolean) {
    this.#shared = shared;
    this.#probe = probe;
  }

  connect(): void {
    const { host, port } = this.#shared;
    this.#line = new Line(host, port, {
      request: () => upgradeRequest("/", `${host}:${port}`),
      opened: () => {
        this.playing = true;
        this.#shared.tally().joined += 1;
        if (this.#line) this.#line.lazy = !this.#probe;
      },
      frame: () => {
        this.#shared.tally().updates += 1;
      },
      closed: (why) => {
        this.playing = false;
        if (why !== "over") this.#shared.tally().closed(why);
      },
    });
  }

  act(): void {
    this.#line?.write(INPUT);
    this.#shared.tally().inputs += 1;
  }

  poll(): void {
    if (!this.#probe) this.#line?.poll();
  }

  takeBytes(): number {
    const total = this.#line?.bytes ?? 0;
    const fresh = total - this.#bytesBefore;
    this.#bytesBefore = total;
    return fresh;
  }

  close(): void {
    this.#line?.end("over");
  }
}
