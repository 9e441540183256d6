/**
 * Starts and stops the parts of an operator in the order that keeps it safe.
 *
 * Start: servers (probes answer while caches fill) → caches, until synced → what runs on every replica →
 * election → what only the leader runs. Caches are warm before the election, so a new leader acts at once.
 *
 * Stop: leader's and other runnables finish what is under way → the lease is given back → caches → servers.
 * The lease goes as soon as nothing writes any more: the next leader need not wait for our sockets to close.
 * Leadership lost is another matter: everything is killed at once, and `run` rejects with `LEADERSHIP_LOST`,
 * for another may be acting already.
 */
import { fail, hasCode, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { type Clock, sleepOn, systemClock } from "./clock.ts";
import type { Elector } from "./elector.ts";
import { Group } from "./group.ts";
import type { Cache, Runnable, Server } from "./runnable.ts";

/** What killed work gets to let go of its sockets, ms. Its writes are refused by the guard meanwhile. */
const KILL_MS = 1_000;

export interface ManagerOptions {
  readonly log: Log;
  /** Absent: leader runnables start without election (tools, tests). */
  readonly elector?: Pick<Elector, "campaign" | "release" | "lost">;
  /** Longest wait for all caches, ms. Default 120,000. */
  readonly syncTimeoutMs?: number;
  /** Longest wait for runnables to finish when stopping, ms; then they are killed. Default 30,000. */
  readonly graceMs?: number;
  readonly clock?: Clock;
}

export class Manager {
  readonly #options: ManagerOptions;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #servers: Server[] = [];
  readonly #caches: Cache[] = [];
  readonly #always: Runnable[] = [];
  readonly #leading: Runnable[] = [];
  #synced = false;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
  }

  addServer(server: Server): void {
    this.#servers.push(server);
  }

  addCache(cache: Cache): void {
    this.#caches.push(cache);
  }

  /** Runs on every replica, leader or not. */
  add(runnable: Runnable): void {
    this.#always.push(runnable);
  }

  /** Runs only while this process leads. */
  addLeader(runnable: Runnable): void {
    this.#leading.push(runnable);
  }

  /** True once every cache has been filled: part of readiness. */
  get synced(): boolean {
    return this.#synced;
  }

  /**
   * Runs until `signal` aborts, then stops in order and resolves. Rejects, after stopping what can be stopped,
   * with `LEADERSHIP_LOST`, with `TIMEOUT` when caches do not fill, or with what a runnable threw.
   */
  async run(signal: AbortSignal): Promise<void> {
    const caches = new Group(this.#log, this.#clock);
    const work = new Group(this.#log, this.#clock);
    const end = new AbortController();
    const stop = (): void => end.abort();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();

    let failed: unknown;
    const onFailure = (error: unknown): void => {
      failed ??= error;
      // Even while stopping: what we have not finished as the leader is no longer ours to finish.
      if (hasCode(error, "LEADERSHIP_LOST")) work.kill();
      stop();
    };
    void caches.failure.then(onFailure);
    void work.failure.then(onFailure);
    void this.#options.elector?.lost.then(onFailure);

    try {
      await this.#start(caches, work, end.signal);
      await aborted(end.signal);
    } catch (error) {
      onFailure(error);
    } finally {
      signal.removeEventListener("abort", stop);
      await this.#stop(caches, work, hasCode(failed, "LEADERSHIP_LOST"));
    }
    if (failed !== undefined) throw failed;
  }

  async #start(caches: Group, work: Group, end: AbortSignal): Promise<void> {
    for (const server of this.#servers) await server.start();
    for (const cache of this.#caches) caches.start(cache);
    await this.#waitForCaches(end);
    if (end.aborted) return;
    this.#synced = true;
    for (const runnable of this.#always) work.start(runnable);
    const { elector } = this.#options;
    if (elector !== undefined && !(await elector.campaign(end))) return;
    if (end.aborted) return;
    this.#log.info({ runnables: this.#leading.map(({ name }) => name) }, "starting controllers");
    for (const runnable of this.#leading) work.start(runnable);
  }

  async #waitForCaches(end: AbortSignal): Promise<void> {
    const limit = this.#options.syncTimeoutMs ?? 120_000;
    const waiting = new Set(this.#caches.map(({ name }) => name));
    const filled = Promise.all(
      this.#caches.map((cache) => cache.synced.then(() => waiting.delete(cache.name))),
    );
    const over = new AbortController();
    const late = sleepOn(this.#clock, limit, over.signal);
    await Promise.race([filled, late, aborted(end)]);
    over.abort();
    if (waiting.size === 0 || end.aborted) return;
    throw fail("TIMEOUT", `caches not filled within ${limit} ms: ${[...waiting].join(", ")}`);
  }

  async #stop(caches: Group, work: Group, lost: boolean): Promise<void> {
    if (lost) work.kill();
    const finished = await work.stop(lost ? KILL_MS : (this.#options.graceMs ?? 30_000));
    if (!finished && !lost) {
      this.#log.warn("runnables did not finish in time");
      work.kill();
      await work.stop(KILL_MS);
    }
    if (!lost) await this.#options.elector?.release();
    await caches.stop(KILL_MS);
    for (const server of this.#servers.toReversed()) await this.#stopServer(server);
    this.#log.info("stopped");
  }

  async #stopServer(server: Server): Promise<void> {
    try {
      await server.stop();
    } catch (error) {
      this.#log.warn({ server: server.name, error: messageOf(error) }, "server did not stop cleanly");
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
