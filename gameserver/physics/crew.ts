/**
 * The second physics worker, as the simulation thread sees it: takes its share of every phase of every zone.
 *
 * The worker sees zones through shared memory; what it must be told besides (a zone to add, a snapshot to take) goes
 * as letters over a port, read at a command. If it does not answer within `ANSWER_MS` the simulation ends with an
 * error: half a step cannot be undone.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { fail } from "../../platform/errors.ts";
import { type Balance, evenBalance, rebalance } from "./balance.ts";
import {
  awaitChange,
  busyMs,
  type CrewControl,
  crewControl,
  type Letter,
  putJob,
  WHAT,
  WORD,
} from "./crew-control.ts";
import type { KernelData } from "./kernel-data.ts";
import { type Job, PHASES, runPhase } from "./phases.ts";
import type { RigidTables } from "./rigid-tables.ts";
import { Regions, type Team } from "./team.ts";

const ANSWER_MS = 5_000;

export class Crew {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly control: CrewControl;
  #zones = 0;

  private constructor(worker: Worker, port: MessagePort, control: CrewControl) {
    this.#worker = worker;
    this.#port = port;
    this.control = control;
  }

  /** `rigid`: whether the game has rigid kinds, for which the worker loads Rapier. */
  static async start(rigid: boolean): Promise<Crew> {
    const buffer = new SharedArrayBuffer(128);
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      name: "physics",
      workerData: { control: buffer, port: port2, rigid },
      transferList: [port2],
    });
    await new Promise<void>((resolve, reject) => {
      worker.once("message", () => resolve());
      worker.once("error", reject);
    });
    return new Crew(worker, port1, crewControl(buffer));
  }

  team(data: KernelData, tables: RigidTables | undefined): PairTeam {
    return new PairTeam(this, ++this.#zones, data, tables);
  }

  /** Begins a command; `finish` waits for it. */
  begin(what: number, zone: number): void {
    const { words } = this.control;
    words[WORD.what] = what;
    words[WORD.zone] = zone;
    Atomics.add(words, WORD.command, 1);
    Atomics.notify(words, WORD.command);
  }

  finish(): void {
    const { words } = this.control;
    const command = Atomics.load(words, WORD.command);
    if (!awaitChange(words, WORD.done, (command - 1) | 0, ANSWER_MS)) {
      throw fail("INTERNAL", "the second physics worker does not answer");
    }
    if (Atomics.load(words, WORD.failed) === 0) return;
    const said = receiveMessageOnPort(this.#port) as { readonly message: unknown } | undefined;
    throw fail("INTERNAL", `the second physics worker failed: ${String(said?.message)}`);
  }

  /** Sends a letter and waits until it was read. */
  post(letter: Letter): unknown {
    this.#port.postMessage(letter);
    this.begin(WHAT.mail, letter.zone);
    this.finish();
    return (receiveMessageOnPort(this.#port) as { readonly message: unknown } | undefined)?.message;
  }

  async close(): Promise<void> {
    this.#port.close();
    await this.#worker.terminate();
  }
}

export class PairTeam implements Team {
  readonly #crew: Crew;
  readonly #zone: number;
  readonly #data: KernelData;
  /** This thread's rigid regions: the first ones. */
  readonly #regions: Regions;
  readonly #regionSplit: number;
  /** By phase: each has its own work, and so its own even cut. */
  readonly #balances: Balance[];

  constructor(crew: Crew, zone: number, data: KernelData, tables: RigidTables | undefined) {
    this.#crew = crew;
    this.#zone = zone;
    this.#data = data;
    this.#regionSplit = Math.floor((tables?.state.regions ?? 0) / 2);
    this.#regions = new Regions(tables, 0, this.#regionSplit);
    this.#balances = Array.from({ length: PHASES }, () => evenBalance(data.layout.strips));
    crew.post({ type: "add", zone, data, tables, regionFrom: this.#regionSplit });
  }

  run(phase: number, job: Job): void {
    const balance = this.#balances[phase] as Balance;
    const { split } = balance;
    const { strips } = this.#data.layout;
    const row = rowAt(this.#data, split / strips);
    putJob(this.#crew.control, job, { row, strip: split });
    this.#crew.begin(phase, this.#zone);
    const started = performance.now();
    const share = { worker: 0, rowFrom: 0, rowTo: row, stripFrom: 0, stripTo: split };
    runPhase(this.#data, phase, share, job, this.#regions);
    const first = performance.now() - started;
    this.#crew.finish();
    this.#balances[phase] = rebalance(balance, strips, first, busyMs(this.#crew.control));
  }

  snapshot(): Uint8Array[] {
    const theirs = this.#crew.post({ type: "snapshot", zone: this.#zone }) as Uint8Array[];
    return [...this.#regions.snapshot(), ...theirs];
  }

  restore(worlds: readonly Uint8Array[]): void {
    this.#regions.restore(worlds.slice(0, this.#regionSplit));
    this.#crew.post({ type: "restore", zone: this.#zone, worlds: worlds.slice(this.#regionSplit) });
  }

  close(): void {
    this.#regions.close();
    this.#crew.post({ type: "remove", zone: this.#zone });
  }
}

/** The row that has this share of the rows in use below it. */
function rowAt({ bodies }: KernelData, share: number): number {
  const used = (index: number) =>
    Math.max(0, (bodies.high[index] as number) - (bodies.starts[index] as number));
  let left = 0;
  for (let index = 0; index < bodies.high.length; index++) left += used(index);
  left = Math.ceil(left * share);
  for (let index = 0; index < bodies.high.length; index++) {
    if (left <= used(index)) return (bodies.starts[index] as number) + left;
    left -= used(index);
  }
  return 0;
}
