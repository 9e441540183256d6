/**
 * Leader election over a Lease: at most one process acts, and another takes over when it dies.
 *
 * Promises: `check` lets a write pass only while our last renewal, counted from before it was sent, is younger
 * than the renew deadline; the deadline is shorter than the lease, and others wait the whole lease from the
 * last change they saw. So two never act at once, even when the leader was paused (SIGSTOP, a stalled event
 * loop): its first write after the pause is refused. The gap between deadline and lease (1 s) is for writes
 * already on their way. A lease is no fencing token: writes must also be idempotent or conditional.
 *
 * Defaults 3 s / 2 s / 0.5 s, where client-go has 15 / 10 / 2: a crashed leader is replaced in under 4 s instead
 * of 17. It costs two small writes a second (about 0.4 % of a core of the API server) and makes a leader give up
 * when the API server is silent for 2 s, which it could not use anyway.
 */
import { fail, type GamefleetError, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../kube/errors.ts";
import type { Resource } from "../kube/resource.ts";
import { type Clock, sleepOn, systemClock } from "./clock.ts";
import { claimed, holderOf, type Lease, type Observation, observe, released, remainingMs } from "./lease.ts";
import { type Following, followLease } from "./lease-watch.ts";
import type { RuntimeMetrics } from "./metrics.ts";

export type LeaseClient = Pick<Resource<Lease>, "get" | "create" | "replace" | "watch">;

export interface ElectorOptions {
  /** Made with `{pool: "lease", timeoutMs: 5000, retry: false}`: renewals must not wait behind other calls. */
  readonly leases: LeaseClient;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process run: pod name and a random suffix. */
  readonly identity: string;
  readonly log: Log;
  readonly metrics: RuntimeMetrics;
  /** How long others wait after our last renewal. Whole seconds. Default 3. */
  readonly leaseSeconds?: number;
  /** Without a renewal for this long we stop acting, ms. Default 2,000; must be below the lease. */
  readonly renewDeadlineMs?: number;
  /** Between two renewals or two tries, ms. Default 500. */
  readonly retryMs?: number;
  readonly clock?: Clock;
  readonly random?: () => number;
}

export class Elector {
  readonly identity: string;
  /** Resolves with the error when leadership, once gained, is lost. Never on a clean release. */
  readonly lost: Promise<GamefleetError>;
  readonly #options: ElectorOptions;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #leaseSeconds: number;
  readonly #deadlineMs: number;
  readonly #retryMs: number;
  readonly #reportLost: (error: GamefleetError) => void;
  readonly #resigned = new AbortController();
  #seen: Observation | undefined;
  /** When the renewal that holds now was sent: monotonic and wall ms. Undefined: we do not lead. */
  #renewed: { readonly now: number; readonly wall: number } | undefined;
  #renewing: Promise<void> | undefined;
  /** Aborts when there is reason to try at once. */
  #news = new AbortController();

  constructor(options: ElectorOptions) {
    this.#options = options;
    this.identity = options.identity;
    this.#log = options.log.child({
      lease: `${options.namespace}/${options.name}`,
      identity: options.identity,
    });
    this.#clock = options.clock ?? systemClock;
    this.#leaseSeconds = options.leaseSeconds ?? 3;
    this.#deadlineMs = options.renewDeadlineMs ?? 2_000;
    this.#retryMs = options.retryMs ?? 500;
    if (this.#deadlineMs >= this.#leaseSeconds * 1_000 || this.#retryMs * 2 > this.#deadlineMs) {
      throw fail("CONFIG_INVALID", "leader election: retry × 2 must be ≤ renew deadline, and that < lease");
    }
    const { promise, resolve } = Promise.withResolvers<GamefleetError>();
    this.lost = promise;
    this.#reportLost = resolve;
    options.metrics.leader.set({ name: options.name }, 0);
  }

  get isLeader(): boolean {
    return this.#refusal() === undefined;
  }

  /**
   * The guard of every write. Throws `LEADERSHIP_LOST` unless we may act now.
   *
   * Both clocks must agree: the monotonic one stands still while a machine is suspended, the wall clock may be
   * set back. A wall clock set forward refuses writes until the next renewal, half a second later.
   */
  readonly check = (): void => {
    const refusal = this.#refusal();
    if (refusal !== undefined) throw fail("LEADERSHIP_LOST", refusal);
  };

  /** Resolves when this process leads (true) or `stop` aborts first (false). Call once. */
  async campaign(stop: AbortSignal): Promise<boolean> {
    const wake = (): void => this.#news.abort();
    stop.addEventListener("abort", wake);
    const following = this.#follow(wake);
    try {
      while (!stop.aborted) {
        // A watch that just told of a renewal saves the asking.
        const held = following.alive() && this.#heldMs() > 0;
        if (!held && (await this.#tryAcquire())) return this.#begin();
        await sleepOn(this.#clock, this.#pauseMs(following.alive()), this.#news.signal);
        if (this.#news.signal.aborted && !stop.aborted) this.#news = new AbortController();
      }
      return false;
    } finally {
      stop.removeEventListener("abort", wake);
      await following.end();
    }
  }

  /** Stops renewing and gives the lease back, so that another leads at once. Call after the last write. */
  async release(): Promise<void> {
    this.#resigned.abort();
    await this.#renewing;
    if (this.#renewed === undefined || this.#seen === undefined) return;
    this.#stepDown();
    const { lease } = this.#seen;
    const free = { ...lease, spec: released(lease.spec ?? {}, this.#clock.wall()) };
    try {
      await this.#timed(this.#deadlineMs / 2, (signal) => this.#options.leases.replace(free, { signal }));
      this.#log.info("lease released");
    } catch (error) {
      // It runs out by itself.
      this.#log.warn({ error: messageOf(error) }, "lease not released");
    }
  }

  #follow(wake: () => void): Following {
    const { leases, namespace, name } = this.#options;
    return followLease({
      watch: (signal) =>
        leases.watch({
          namespace,
          fieldSelector: `metadata.name=${name}`,
          // No version: the watch begins with the lease as it is now.
          resourceVersion: "",
          timeoutSeconds: 300,
          signal,
        }),
      onLease: (lease) => {
        // Once it is ours, our own writes tell more than news that may be on its way still.
        if (this.#renewed !== undefined) return;
        this.#seen = observe(this.#seen, lease, this.#clock.now());
        if (holderOf(lease) === "") wake();
      },
      clock: this.#clock,
      silenceMs: this.#leaseSeconds * 1_000,
      pauseMs: this.#retryMs,
    });
  }

  /** While the watch tells us of renewals, only the lease's end is worth a call; otherwise we poll. */
  #pauseMs(following: boolean): number {
    const poll = this.#retryMs * (1 + 0.2 * (this.#options.random ?? Math.random)());
    const held = this.#heldMs();
    return following && held > 0 ? Math.ceil(held) + 1 : poll;
  }

  /** Milliseconds the lease as last seen still belongs to its holder. */
  #heldMs(): number {
    return this.#seen === undefined ? 0 : remainingMs(this.#seen, this.#clock.now());
  }

  /** One try to take the lease; true when it is ours now. */
  async #tryAcquire(): Promise<boolean> {
    return this.#attempt(this.#deadlineMs / 2, async (signal) => {
      const lease = await this.#read(signal);
      // A lease that was deleted may still have a holder who does not know: its time runs on.
      if (this.#seen !== undefined && holderOf(this.#seen.lease) !== this.identity) {
        if (this.#heldMs() > 0) return false;
      }
      await this.#write(lease, signal);
      return true;
    });
  }

  #begin(): true {
    this.#options.metrics.leader.set({ name: this.#options.name }, 1);
    this.#log.info("leading");
    this.#renewing = this.#renew();
    return true;
  }

  async #renew(): Promise<void> {
    const { signal } = this.#resigned;
    while (!signal.aborted) {
      await sleepOn(this.#clock, Math.min(this.#retryMs, this.#leftMs()), signal);
      if (signal.aborted) return;
      if (this.#leftMs() > 0) await this.#tryRenew();
      const holder = this.#seen === undefined ? "" : holderOf(this.#seen.lease);
      if (holder !== this.identity) return this.#lose(`the lease is held by "${holder}"`);
      if (this.#leftMs() <= 0) return this.#lose(`no renewal for ${this.#deadlineMs} ms`);
    }
  }

  /** Renews with one write; only when that collides is the lease read first. */
  async #tryRenew(): Promise<void> {
    // Half the deadline at most, so that one hanging call leaves time for another.
    await this.#attempt(Math.min(this.#leftMs(), this.#deadlineMs / 2), async (signal) => {
      try {
        await this.#write(this.#seen?.lease, signal);
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
        const lease = await this.#read(signal);
        if (lease !== undefined && holderOf(lease) !== this.identity) return false;
        await this.#write(lease, signal);
      }
      return true;
    });
  }

  /** The lease as it is, undefined when there is none. */
  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { leases, namespace, name } = this.#options;
    try {
      const lease = await leases.get({ namespace, name }, { signal });
      this.#seen = observe(this.#seen, lease, this.#clock.now());
      return lease;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Writes our claim over exactly the version read, or as a new lease. */
  async #write(lease: Lease | undefined, signal: AbortSignal): Promise<void> {
    const { leases, namespace, name } = this.#options;
    const sent = { now: this.#clock.now(), wall: this.#clock.wall() };
    const claim = { identity: this.identity, durationSeconds: this.#leaseSeconds, wallMs: sent.wall };
    const spec = claimed(lease?.spec, claim);
    const written =
      lease === undefined
        ? await leases.create(
            { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { namespace, name }, spec },
            { signal },
          )
        : await leases.replace({ ...lease, spec }, { signal });
    this.#seen = observe(this.#seen, written, this.#clock.now());
    // From before the write was sent: others count from when they saw it, which cannot be earlier.
    this.#renewed = sent;
  }

  /** Runs one try within `ms`; a failure is not ours to throw, the next try follows. */
  async #attempt(ms: number, work: (signal: AbortSignal) => Promise<boolean>): Promise<boolean> {
    try {
      return await this.#timed(ms, work);
    } catch (error) {
      const race = isConflict(error) || isAlreadyExists(error);
      this.#log[race ? "debug" : "warn"]({ error: messageOf(error) }, "lease try failed");
      return false;
    }
  }

  async #timed<R>(ms: number, work: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const call = new AbortController();
    const cancel = this.#clock.timer(ms, () => call.abort(fail("TIMEOUT", `no answer within ${ms} ms`)));
    try {
      return await work(call.signal);
    } finally {
      cancel();
    }
  }

  /** Milliseconds we may still act on the last renewal. */
  #leftMs(): number {
    if (this.#renewed === undefined) return 0;
    return Math.max(0, this.#renewed.now + this.#deadlineMs - this.#clock.now());
  }

  #refusal(): string | undefined {
    if (this.#renewed === undefined) return "this process does not lead";
    const left = Math.min(this.#leftMs(), this.#renewed.wall + this.#deadlineMs - this.#clock.wall());
    return left > 0 ? undefined : `last renewal is ${Math.round(this.#deadlineMs - left)} ms old`;
  }

  #lose(why: string): void {
    this.#stepDown();
    this.#log.error({ why }, "leadership lost");
    this.#reportLost(fail("LEADERSHIP_LOST", `leadership lost: ${why}`));
  }

  #stepDown(): void {
    this.#renewed = undefined;
    this.#options.metrics.leader.set({ name: this.#options.name }, 0);
  }
}
