/**
 * PostgreSQL as far as the ledger uses it, with its faults: slow, away, a commit whose answer is lost, batches that
 * collide, and entries that it cannot take (poison). Decides by the same rules as the real one (decide.ts).
 */
import { fail } from "../../../platform/errors.ts";
import type { Answer, Final } from "../answer.ts";
import { type Asset, Balances, walletKey, walletsOf } from "../decide.ts";
import type { Entry } from "../entry.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { LeftAlone } from "../ledger/left-alone.ts";
import { storeError } from "./sim-redis.ts";
import type { World } from "./world.ts";

export class SimPostgres {
  readonly #world: World;
  readonly #assets: ReadonlyMap<string, Asset>;
  readonly decided = new Map<string, { readonly entry: Entry; readonly final: Final }>();
  readonly quarantined = new Map<string, Entry>();
  balances = new Map<string, bigint>();
  readonly #closed = new Set<number>();
  #streams = 0;
  away = false;
  /** Settles that ran although their stream was closed: must stay 0. */
  strayWrites = 0;

  constructor(world: World, assets: ReadonlyMap<string, Asset>) {
    this.#world = world;
    this.#assets = assets;
  }

  openStream(): Promise<number> {
    return this.#statement(() => ++this.#streams);
  }

  closeStream(stream: number): Promise<void> {
    return this.#statement(() => void this.#closed.add(stream));
  }

  ledger(stream: () => number): Ledger {
    return {
      settle: (batch) => this.#statement(() => this.#settle(batch, stream(), []) as Answer[]),
      settleFree: (batch) => this.#statement(() => this.#settle(batch, stream(), this.#taken(batch))),
      quarantine: (entry) =>
        this.#statement(() => {
          if (this.decided.has(entry.id)) return false;
          this.quarantined.set(entry.id, entry);
          return true;
        }),
    };
  }

  /** Wallets of the batch that another has in hand. */
  #taken(batch: readonly Entry[]): string[] {
    const wallets = batch.flatMap(({ transfers }) => [...walletsOf(transfers)]);
    return wallets
      .filter(() => this.#world.chance("taken"))
      .map(([account, asset]) => walletKey(account, asset));
  }

  #settle(batch: readonly Entry[], stream: number, taken: readonly string[]): (Answer | undefined)[] {
    if (this.#closed.has(stream)) throw fail("FENCED", `journal ${stream} was taken over`);
    if (this.#world.chance("collision"))
      throw Object.assign(new Error("deadlock detected"), { code: "40P01" });
    const fails = ({ id, trace }: Entry) =>
      trace === "poison" && !this.quarantined.has(id) && !this.decided.has(id);
    if (batch.some(fails)) {
      throw Object.assign(new Error("value out of range"), { code: "22003" });
    }
    const balances = new Balances(this.balances);
    const fresh: { entry: Entry; final: Final }[] = [];
    const left = new LeftAlone(taken);
    const answers = batch.map((entry): Answer | undefined => {
      const before = this.decided.get(entry.id) ?? fresh.find((one) => one.entry.id === entry.id);
      if (before) return before.entry.hash === entry.hash ? before.final : { status: "conflict" };
      const aside = this.quarantined.get(entry.id);
      if (aside) return { status: aside.hash === entry.hash ? "quarantined" : "conflict" };
      if (left.claims(entry)) return undefined;
      const final = balances.decide(entry, this.#assets, this.#world.clock.now());
      fresh.push({ entry, final });
      return final;
    });
    for (const one of fresh) this.decided.set(one.entry.id, one);
    for (const [key, delta] of balances.deltas())
      this.balances.set(key, (this.balances.get(key) ?? 0n) + delta);
    return answers;
  }

  /** One transaction: takes a while, happens at one moment, and its answer may be lost. */
  async #statement<T>(act: () => T): Promise<T> {
    const { clock } = this.#world;
    await clock.sleep(this.#world.latency("postgres"));
    if (this.away || this.#world.chance("postgresRefuses"))
      throw storeError("Connection terminated unexpectedly");
    const result = act();
    await clock.sleep(this.#world.latency("postgres"));
    if (this.away || this.#world.chance("commitUnknown"))
      throw storeError("Connection terminated unexpectedly");
    return result;
  }
}
