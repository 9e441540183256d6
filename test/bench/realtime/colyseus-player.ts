/** A player of the bench on the Colyseus side: the same clock, the same inputs, the same probes; its own protocol. */
import { type Decoder, type MapSchema, Reflection } from "@colyseus/schema";
import type { HerdPlayer } from "../../bots/lean/herd.ts";
import { clientFrame, Line, upgradeRequest } from "../../bots/lean/line.ts";
import type { LeanShared } from "../../bots/lean/player.ts";
import type { LeanTally } from "../../bots/lean/tally.ts";

/** Of Colyseus' protocol. */
const CODE = { join: 10, error: 11, state: 14, patch: 15, bytes: 17 } as const;

interface Walker {
  readonly x: number;
  readonly y: number;
}

interface Seen {
  readonly tick: number;
  readonly walkers: MapSchema<Walker>;
}

export class ColyseusPlayer implements HerdPlayer {
  readonly session: string;
  readonly probe: boolean;
  readonly random: () => number;
  state: Seen | undefined;
  playing = false;
  readonly #shared: LeanShared;
  readonly #path: string;
  #line: Line | undefined;
  #decoder: Decoder | undefined;
  #bytesBefore = 0;
  #direction: readonly [number, number] = [0, 0];

  constructor(shared: LeanShared, path: string, probe: boolean, random: () => number) {
    this.#shared = shared;
    this.#path = path;
    this.session = path.split("sessionId=")[1] ?? "";
    this.probe = probe;
    this.random = random;
    this.#idle = random() < 0.3;
  }

  readonly #idle: boolean;

  tally(): LeanTally {
    return this.#shared.tally();
  }

  connect(): void {
    const { host, port } = this.#shared;
    this.#line = new Line(host, port, {
      request: () => upgradeRequest(this.#path, `${host}:${port}`),
      opened: () => {},
      frame: (opcode, bytes, at, end) => this.#frame(opcode, bytes, at, end),
      closed: (why) => {
        this.playing = false;
        if (why !== "over") this.#shared.tally().closed(why);
      },
    });
  }

  act(): void {
    if (!this.#idle && (this.random() < 0.08 || this.#direction[0] === 0)) {
      const angle = this.random() * Math.PI * 2;
      this.#direction = [Math.cos(angle), Math.sin(angle)];
    }
    const [dx, dy] = this.#direction;
    const code = (part: number) => Math.round(100 + part * 100);
    this.#line?.write(clientFrame(Uint8Array.of(CODE.bytes, 0, code(dx), code(dy))));
    this.#shared.tally().inputs += 1;
  }

  poll(): void {
    if (!this.probe) this.#line?.poll();
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

  #frame(opcode: number, bytes: Buffer, at: number, end: number): void {
    if (opcode === 8) this.#line?.end(`closed ${end - at >= 2 ? bytes.readUInt16BE(at) : 1005}`);
    if (opcode !== 2) return;
    const code = bytes[at];
    if (code === CODE.join) this.#joined(bytes.subarray(at, end));
    else if (code === CODE.state || code === CODE.patch) this.#patch(code, bytes.subarray(at + 1, end));
    else if (code === CODE.error) this.#line?.end("refused");
  }

  #joined(message: Buffer): void {
    if (this.probe) {
      // [10][token length][token][serialiser length][serialiser][length, a number of Colyseus' own][reflection …].
      const afterToken = 2 + (message[1] as number);
      const at = afterToken + 1 + (message[afterToken] as number);
      const first = message[at] as number;
      const size = first < 0x80 ? 1 : first === 0xcc ? 2 : first === 0xcd ? 3 : 5;
      const length =
        size === 1 ? first : size === 2 ? (message[at + 1] as number) : message.readUInt16LE(at + 1);
      const reflection = Uint8Array.from(message.subarray(at + size, at + size + length));
      this.#decoder = Reflection.decode(reflection);
      this.state = this.#decoder.state as Seen;
    }
    this.#line?.write(clientFrame(Uint8Array.of(CODE.join)));
  }

  #patch(code: number, body: Buffer): void {
    const tally = this.#shared.tally();
    if (code === CODE.patch) tally.updates += 1;
    if (!this.playing) {
      this.playing = true;
      tally.joined += 1;
      if (this.#line) this.#line.lazy = !this.probe;
    }
    if (!this.#decoder || !this.state) return;
    const now = this.#shared.now();
    try {
      this.#decoder.decode(Uint8Array.from(body));
    } catch (error) {
      tally.faults += 1;
      this.#line?.end(error instanceof Error ? error.message : String(error));
      return;
    }
    if (code === CODE.patch) this.#shared.arrived(this.state.tick, now);
    tally.inView.add(this.state.walkers?.size ?? 0);
  }
}
