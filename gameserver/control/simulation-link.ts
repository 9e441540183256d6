/** The control thread's end of the simulation: orders out, answers back as promises. */
import type { Worker } from "node:worker_threads";
import { deadline } from "../../platform/background.ts";
import type { FromSimulation, GivenReward, ToSimulation } from "../simulation/messages.ts";

/** The simulation answers between two ticks; this is far beyond any tick. */
const ANSWER_MS = 5_000;

/** What the simulation reports by itself. */
export interface SimulationListener {
  fault(fault: Extract<FromSimulation, { type: "fault" }>): void;
  /** The game says that the zone of this index is over. */
  over(zone: number): void;
  /** A rule gives the player in `slot` of a zone a reward. */
  reward(zone: number, slot: number, reward: GivenReward): void;
}

export class SimulationLink {
  readonly #worker: Worker;
  readonly #listener: SimulationListener;
  readonly #waiting = new Map<string, (entity: number | undefined) => void>();
  #requests = 0;

  constructor(worker: Worker, listener: SimulationListener) {
    this.#worker = worker;
    this.#listener = listener;
    worker.on("message", (message: FromSimulation) => this.#receive(message));
  }

  /** Resolves when the thread has loaded the game. */
  ready(): Promise<void> {
    return this.#answer("ready", "loading the game").then(() => {});
  }

  async open(index: number, id: string, slots: number, buffer: SharedArrayBuffer): Promise<void> {
    this.#order({ type: "open", index, id, slots, buffer });
    await this.#answer(`opened ${index}`, "opening a zone");
  }

  async close(index: number): Promise<void> {
    this.#order({ type: "close", index });
    await this.#answer(`closed ${index}`, "closing a zone");
  }

  /** The id of the player's entity, or undefined when the game refuses the player. */
  async join(index: number, slot: number, seed: number): Promise<number | undefined> {
    const request = ++this.#requests;
    this.#order({ type: "join", index, slot, seed, request });
    return this.#answer(`joined ${request}`, "joining");
  }

  leave(index: number, slot: number): void {
    this.#order({ type: "leave", index, slot });
  }

  purchased(index: number, slot: number, offer: number, quantity: number): void {
    this.#order({ type: "purchased", index, slot, offer, quantity });
  }

  stop(): void {
    this.#order({ type: "stop" });
  }

  #order(order: ToSimulation): void {
    this.#worker.postMessage(order);
  }

  async #answer(key: string, what: string): Promise<number | undefined> {
    const answer = new Promise<number | undefined>((resolve) => this.#waiting.set(key, resolve));
    try {
      return await deadline(answer, ANSWER_MS, what);
    } finally {
      this.#waiting.delete(key);
    }
  }

  #receive(message: FromSimulation): void {
    if (message.type === "fault") this.#listener.fault(message);
    else if (message.type === "over") this.#listener.over(message.index);
    else if (message.type === "reward") this.#listener.reward(message.index, message.slot, message.reward);
    else if (message.type === "ready") this.#waiting.get("ready")?.(undefined);
    else if (message.type === "joined") this.#waiting.get(`joined ${message.request}`)?.(message.entity);
    else this.#waiting.get(`${message.type} ${message.index}`)?.(undefined);
  }
}
