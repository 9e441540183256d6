/**
 * Store receipts of one pod, put together: the stores behind their breakers, granting, the outbox, events, reports.
 */
import { loop } from "../../../platform/background.ts";
import { hasCode } from "../../../platform/errors.ts";
import type { Log } from "../../../platform/log.ts";
import type { Registry } from "../../../platform/metrics.ts";
import type { Pool } from "../../../platform/postgres.ts";
import { warnAgain } from "../../../platform/warn-again.ts";
import type { Answer } from "../answer.ts";
import type { Asset } from "../decide.ts";
import type { Entry } from "../entry.ts";
import { appleStore } from "./apple.ts";
import { Consequences } from "./consequences.ts";
import { googleStore } from "./google.ts";
import { type Granted, Granting, type Shown } from "./granting.ts";
import { type GuardedStore, guardStore } from "./guard.ts";
import { keepEvent, processDue, waitingEvents } from "./intake.ts";
import { receiptMetrics } from "./metrics.ts";
import { BATCH, overdue, sendDue } from "./outbox.ts";
import { paypalStore } from "./paypal.ts";
import type { StorePort, Webhook } from "./port.ts";
import { readReport } from "./report.ts";
import type { ReceiptSettings } from "./settings.ts";
import { type SteamStore, steamStore } from "./steam.ts";
import { type HeldSubscription, subscriptionsOf } from "./subscriptions.ts";

/** Reports and metrics are looked at so much less often than what is owed. */
const SELDOM = 10;
/** All calls to stores for one receipt together. */
const TAKE_MS = 20_000;
const WEBHOOK_MS = 8_000;

export interface ReceiptsOptions {
  readonly settings: ReceiptSettings;
  /** Its own: acknowledgements must not wait for the lanes, nor they for them. Closed with the receipts. */
  readonly pool: Pool;
  readonly submit: (entry: Entry) => Promise<Answer>;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly registry: Registry;
  readonly log: Log;
}

export class Receipts {
  readonly #options: ReceiptsOptions;
  readonly #stores: ReadonlyMap<string, GuardedStore>;
  readonly #steam: SteamStore | undefined;
  readonly #metrics: ReturnType<typeof receiptMetrics>;
  readonly #granting: Granting;
  readonly #consequences: Consequences;
  readonly #ending = new AbortController();

  constructor(options: ReceiptsOptions) {
    const { settings, registry, pool, submit, assets, log } = options;
    this.#options = options;
    this.#steam = settings.steam && steamStore(settings.steam);
    const ports: readonly (StorePort | undefined)[] = [
      settings.apple && appleStore(settings.apple),
      settings.google && googleStore(settings.google, settings.products),
      this.#steam,
      settings.paypal && paypalStore(settings.paypal, settings.products),
    ];
    this.#stores = new Map(ports.flatMap((port) => (port ? [[port.store, guardStore(port, registry)]] : [])));
    const metrics = receiptMetrics(registry);
    const common = { pool, submit, metrics };
    this.#metrics = metrics;
    this.#granting = new Granting({ ...common, assets, products: settings.products, stores: this.#stores });
    this.#consequences = new Consequences({ ...common, granting: this.#granting, log });
  }

  /** Throws RECEIPT_REFUSED, RECEIPT_TAKEN, RECEIPT_UNVERIFIED, CIRCUIT_OPEN or REQUEST_INVALID. */
  take(shown: Shown, trace: string): Promise<Granted> {
    return this.#granting.take(shown, trace, this.#within(TAKE_MS));
  }

  /** Keeps an event. Throws UNAUTHENTICATED, REQUEST_INVALID, or a store error when it must be sent again. */
  async receive(store: string, webhook: Webhook): Promise<void> {
    const { port } = this.#granting.store(store);
    try {
      const event = await port.readEvent(webhook, this.#within(WEBHOOK_MS));
      const kept = await keepEvent(this.#options.pool, event);
      this.#metrics.event(store, kept ? "kept" : "repeated");
    } catch (error) {
      if (hasCode(error, "UNAUTHENTICATED") || hasCode(error, "REQUEST_INVALID"))
        this.#metrics.event(store, "refused");
      throw error;
    }
  }

  subscriptions(player: string): Promise<HeldSubscription[]> {
    return subscriptionsOf(this.#options.pool, player);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log, pool, settings } = this.#options;
    const { pollMs } = settings;
    this.#sayUnknownGoods();
    const steam = this.#steam;
    const ending = AbortSignal.any([signal, this.#ending.signal]);
    const repeat = (what: string, everyMs: number, work: () => Promise<void>) =>
      loop(work, {
        everyMs,
        signal: ending,
        onError: (error) => warnAgain(log, "tried again", error, { what }),
      });
    await Promise.all([
      repeat("outbox", pollMs, () => this.#send(ending)),
      repeat("events", pollMs, () => this.#process(ending)),
      repeat("metrics", SELDOM * pollMs, () => this.#show()),
      steam && repeat("report", SELDOM * pollMs, () => readReport(pool, steam, ending)),
    ]);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    for (const { breaker } of this.#stores.values()) breaker.close();
    await this.#options.pool.end();
  }

  #within(ms: number): AbortSignal {
    return AbortSignal.any([this.#ending.signal, AbortSignal.timeout(ms)]);
  }

  async #send(ending: AbortSignal): Promise<void> {
    const duties = {
      stores: [...this.#stores.keys()],
      acknowledge: (owed, signal) => {
        const { port, breaker } = this.#granting.store(owed.store);
        return breaker.run(() => port.acknowledge(owed, signal));
      },
      grant: (owed, signal) => this.#granting.regrant(owed, signal),
    } satisfies Parameters<typeof sendDue>[1];
    let dealt: number;
    do {
      const sent = await sendDue(this.#options.pool, duties, ending);
      for (const result of ["acknowledged", "granted", "failed"] as const)
        if (sent[result] > 0) this.#metrics.acknowledged(result, sent[result]);
      for (const lost of sent.hopeless) {
        this.#metrics.attention(lost.store);
        this.#options.log.error({ ...lost }, "a purchase needs a person");
      }
      dealt = sent.acknowledged + sent.granted;
    } while (dealt === BATCH && !ending.aborted);
  }

  async #process(ending: AbortSignal): Promise<void> {
    const handle = (event: Parameters<Consequences["of"]>[0]) => this.#consequences.of(event, ending);
    await processDue(this.#options.pool, [...this.#stores.keys()], handle);
  }

  async #show(): Promise<void> {
    const { pool } = this.#options;
    const { waiting, rows, oldestSeconds } = await overdue(pool);
    this.#metrics.owed(waiting, rows, oldestSeconds);
    const events = await waitingEvents(pool);
    this.#metrics.events(events.waiting, events.failing);
  }

  /** Better said at the start than to whoever has paid. */
  #sayUnknownGoods(): void {
    const { settings, assets, log } = this.#options;
    for (const [product, { goods }] of settings.products) {
      for (const { asset } of goods)
        if (!assets.has(asset)) log.error({ product, asset }, "a product gives what is not in the catalogue");
    }
  }
}
