/**
 * One player of the load generator. All check order and gaps (by the sequence in each header) and that their inputs
 * are acknowledged in order; a *probe* also decodes everything with the SDK's own view and reads without delay.
 */
import { CLOSE_CODES, isResumable } from "../../../protocol/close.ts";
import { decodeWelcome, encodeHello, expand16, FRAME, SUBPROTOCOL } from "../../../protocol/frames.ts";
import { View } from "../../../protocol/view.ts";
import { clientFrame, Line, upgradeRequest } from "./line.ts";
import type { LeanTally } from "./tally.ts";

/** Inputs whose due time is remembered. */
const REMEMBERED = 256;
const RETRY_MS = 300;

export interface LeanShared {
  readonly host: string;
  readonly port: number;
  /** Whether those who are told to come again later do. */
  readonly comeAgain: boolean;
  tally(): LeanTally;
  /** The clock of all figures: monotonic ms, the same in every process of this machine. */
  now(): number;
  /** A probe has an update of `tick` at `now`; when that tick began may be known later only. */
  arrived(tick: number, now: number): void;
  /** The INPUT that a player sends now, if any. */
  deed(player: LeanPlayer): Uint8Array | undefined;
}

export interface LeanOptions {
  readonly ticket: string;
  readonly resumeToken: string;
  /** Decodes everything and reads without delay. */
  readonly probe: boolean;
  readonly random: () => number;
  readonly spectator?: boolean;
}

export class LeanPlayer {
  readonly probe: boolean;
  readonly random: () => number;
  readonly spectator: boolean;
  view: View | undefined;
  inputSeq = 0;
  seq = 0;
  tick = 0;
  ack = 0;
  /** Events heard. */
  events = 0;
  readonly #shared: LeanShared;
  readonly #options: LeanOptions;
  readonly #due: Float64Array | undefined;
  #line: Line | undefined;
  #welcomed = false;
  #everWelcomed = false;
  #lostAt = 0;
  #pendingReplay = 0;
  #bytesBefore = 0;
  #closeCode = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(shared: LeanShared, options: LeanOptions) {
    this.#shared = shared;
    this.#options = options;
    this.probe = options.probe;
    this.random = options.random;
    this.spectator = options.spectator ?? false;
    this.#due = options.probe ? new Float64Array(REMEMBERED) : undefined;
  }

  tally(): LeanTally {
    return this.#shared.tally();
  }

  get playing(): boolean {
    return this.#welcomed;
  }

  get connected(): boolean {
    return this.#line?.open ?? false;
  }

  /** Neither plays nor is about to: it was refused, or has lost its connection. */
  get idle(): boolean {
    return this.#line?.over ?? true;
  }

  connect(): void {
    const { host, port } = this.#shared;
    this.#line?.end("replaced");
    this.#welcomed = false;
    this.#closeCode = 0;
    this.#line = new Line(host, port, {
      request: () => upgradeRequest("/", `${host}:${port}`, SUBPROTOCOL),
      opened: () => this.#hello(),
      frame: (opcode, bytes, at, end) => this.#frame(opcode, bytes, at, end),
      closed: (why) => this.#closed(why),
    });
  }

  /** Cuts the line; `connect` resumes. */
  drop(): void {
    this.#lostAt = this.#shared.now();
    this.#line?.end("dropped");
  }

  stall(): void {
    this.#line?.stall();
  }

  poll(): void {
    if (!this.probe) this.#line?.poll();
  }

  act(due: number): void {
    const input = this.#shared.deed(this);
    if (input) this.sendRaw(input, due);
  }

  /** Sends an INPUT of one item that was due at `due`; its sequence number is filled in here. */
  sendRaw(input: Uint8Array, due: number): void {
    if (!this.#welcomed) return;
    const seq = ++this.inputSeq;
    const frame = clientFrame(input);
    frame.writeUInt32LE(seq, 7);
    this.#line?.write(frame);
    const tally = this.#shared.tally();
    tally.inputs += 1;
    if (!this.#due) return;
    this.#due[seq % REMEMBERED] = due;
    tally.late.add(this.#shared.now() - due);
  }

  write(payload: Uint8Array): void {
    this.#line?.write(clientFrame(payload));
  }

  #hello(): void {
    const resume = this.#everWelcomed;
    this.#line?.write(
      clientFrame(
        encodeHello({
          mode: resume ? "resume" : "ticket",
          token: resume ? this.#options.resumeToken : this.#options.ticket,
          lastSeq: this.seq,
        }),
      ),
    );
  }

  #frame(opcode: number, bytes: Buffer, at: number, end: number): void {
    if (opcode === 8) {
      const code = end - at >= 2 ? bytes.readUInt16BE(at) : 1005;
      const name = (CLOSE_CODES as Readonly<Record<number, { name: string }>>)[code]?.name ?? String(code);
      this.#closeCode = code;
      this.#line?.end(`${name} ${bytes.toString("utf8", at + 2, end)}`);
      return;
    }
    if (opcode === 9) {
      this.#line?.write(clientFrame(bytes.subarray(at, end), 10));
      return;
    }
    if (opcode !== 2) return;
    const type = bytes[at];
    if (type === FRAME.update || type === FRAME.event) this.#output(type, bytes, at, end);
    else if (type === FRAME.welcome) this.#welcome(bytes.subarray(at, end));
  }

  #output(type: number, bytes: Buffer, at: number, end: number): void {
    const tally = this.#shared.tally();
    const seq = expand16(bytes.readUInt16LE(at + 1), this.seq);
    if (this.#pendingReplay > 0) this.#pendingReplay--;
    else if (seq !== this.seq + 1) {
      tally.faults += 1;
      this.#line?.end(`sequence ${seq} after ${this.seq}`);
      return;
    } else this.seq = seq;
    if (type === FRAME.event) {
      tally.events += 1;
      this.events += 1;
      if (this.probe) this.#apply(bytes, at, end);
      return;
    }
    tally.updates += 1;
    this.tick = expand16(bytes.readUInt16LE(at + 3), this.tick);
    const ack = expand16(bytes.readUInt16LE(at + 5), this.ack);
    if (ack < this.ack || ack > this.inputSeq) tally.wrongAcks += 1;
    if (this.probe) this.#probe(ack, bytes, at, end);
    this.ack = ack;
  }

  #probe(ack: number, bytes: Buffer, at: number, end: number): void {
    const tally = this.#shared.tally();
    const now = this.#shared.now();
    this.#shared.arrived(this.tick, now);
    const due = this.#due as Float64Array;
    for (let seq = Math.max(this.ack, ack - REMEMBERED) + 1; seq <= ack; seq++) {
      tally.inputToSeen.add(now - (due[seq % REMEMBERED] as number));
    }
    this.#apply(bytes, at, end);
    if (this.view) tally.inView.add(this.view.entities.size);
  }

  #apply(bytes: Buffer, at: number, end: number): void {
    try {
      this.view?.apply(bytes.subarray(at, end));
    } catch (error) {
      this.#shared.tally().faults += 1;
      this.#line?.end(error instanceof Error ? error.message : String(error));
    }
  }

  #welcome(message: Uint8Array): void {
    const tally = this.#shared.tally();
    const welcome = decodeWelcome(message);
    this.view = new View(welcome, this.seq);
    if (!this.#everWelcomed) tally.joined += 1;
    else if (welcome.resumed) tally.resumed += 1;
    else tally.restarted += 1;
    if (this.#lostAt > 0) tally.outage.add(this.#shared.now() - this.#lostAt);
    this.#lostAt = 0;
    this.inputSeq = welcome.inputSeq;
    this.ack = Math.min(this.ack, welcome.inputSeq);
    if (!welcome.resumed) this.ack = welcome.inputSeq;
    this.tick = welcome.tick;
    this.seq = welcome.seq;
    this.#pendingReplay = welcome.replay;
    this.#welcomed = true;
    this.#everWelcomed = true;
    if (this.#line) this.#line.lazy = !this.probe;
  }

  /** Bytes read since the last call. */
  takeBytes(): number {
    const total = this.#line?.bytes ?? 0;
    const fresh = Math.max(0, total - this.#bytesBefore);
    this.#bytesBefore = total;
    return fresh;
  }

  #closed(why: string): void {
    const was = this.#welcomed;
    this.#welcomed = false;
    this.#bytesBefore = 0;
    if (why === "dropped" || why === "replaced" || why === "over") return;
    const tally = this.#shared.tally();
    if (was) tally.closed(why);
    else if (this.#shared.comeAgain && isResumable(this.#closeCode)) {
      // Not now: a server that is full or strained says so, and a good client comes again.
      tally.shed += 1;
      this.#retry = setTimeout(() => this.connect(), RETRY_MS * (1 + this.random()));
    } else {
      tally.refused += 1;
      tally.reasons.set(why, (tally.reasons.get(why) ?? 0) + 1);
    }
    if (this.#lostAt === 0) this.#lostAt = this.#shared.now();
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#line?.end("over");
  }
}
