/**
 * Leases behind a network, in virtual time: calls take their time both ways, may be lost, and reach the server
 * even when the process that sent them is paused meanwhile. Updates are checked as the API server checks them.
 */

import { type KubeObject, keyOf, keyOfRef } from "../../api/objects.ts";
import { ApiError } from "../../kube/errors.ts";
import type { ObjectEvent } from "../../kube/watch.ts";
import type { LeaseClient } from "../elector.ts";
import type { Lease } from "../lease.ts";
import { FakeCluster } from "./fake-cluster.ts";
import type { VirtualClock, VirtualTime } from "./virtual-time.ts";

export class FakeLeases {
  readonly cluster = new FakeCluster();
  /** One way, ms. */
  latencyMs = 5;
  /** While true, nothing arrives and nothing comes back. */
  partitioned = false;
  watchable = true;
  /** Watches stay open, but nothing comes through them any more. */
  deafWatches = false;
  /** Calls that reached the server, by verb. */
  readonly calls: Record<string, number> = {};
  readonly #network: VirtualClock;

  constructor(time: VirtualTime) {
    this.#network = time.clock();
  }

  /** The client of one process, whose pauses delay what it hears. */
  client(process: VirtualClock): LeaseClient {
    return {
      get: (ref, options) => this.#call("get", process, options?.signal, () => this.#get(keyOfRef(ref))),
      create: (lease, options) => this.#call("create", process, options?.signal, () => this.#create(lease)),
      replace: (lease, options) =>
        this.#call("replace", process, options?.signal, () => this.#replace(lease)),
      watch: async ({ signal }) => {
        await this.#call("watch", process, signal, () => undefined);
        return this.#watch(process, signal ?? new AbortController().signal);
      },
    };
  }

  async #call<R>(
    verb: string,
    process: VirtualClock,
    signal: AbortSignal | undefined,
    serve: () => R,
  ): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const abort = (): void => reject(signal?.reason as Error);
    signal?.addEventListener("abort", abort, { once: true });
    void this.#travel().then(async () => {
      if (this.partitioned) return;
      this.calls[verb] = (this.calls[verb] ?? 0) + 1;
      // Served now, whatever becomes of the caller: a request on the wire cannot be called back.
      const outcome = attempt(serve);
      await this.#travel();
      if (this.partitioned) return;
      await process.sleep(0);
      if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.value);
    });
    return promise.finally(() => signal?.removeEventListener("abort", abort));
  }

  #travel(): Promise<void> {
    return this.#network.sleep(this.latencyMs);
  }

  #get(key: string): Lease {
    const held = this.cluster.get("leases", key);
    if (held === undefined) throw new ApiError(404, "NotFound", "no such lease");
    return held;
  }

  #create(lease: Lease): Lease {
    if (this.cluster.get("leases", keyOf(lease)) !== undefined)
      throw new ApiError(409, "AlreadyExists", "taken");
    return this.cluster.put("leases", lease);
  }

  #replace(lease: Lease): Lease {
    const held = this.#get(keyOf(lease));
    if (held.metadata.resourceVersion !== lease.metadata.resourceVersion) {
      throw new ApiError(409, "Conflict", "changed meanwhile");
    }
    return this.cluster.put("leases", lease);
  }

  async *#watch(process: VirtualClock, signal: AbortSignal): AsyncGenerator<ObjectEvent<Lease>> {
    if (!this.watchable) throw new ApiError(403, "Forbidden", "no watch");
    const queue: ObjectEvent<Lease>[] = [];
    let wake = Promise.withResolvers<void>();
    const push = (type: ObjectEvent<Lease>["type"], object: KubeObject): void => {
      void this.#travel()
        .then(() => process.sleep(0))
        .then(() => {
          if (!this.partitioned && !this.deafWatches) queue.push({ type, object });
          wake.resolve();
        });
    };
    for (const lease of this.cluster.list("leases")) push("ADDED", lease);
    let seen = this.cluster.version;
    const unsubscribe = this.cluster.onChange(() => {
      for (const { version, type, object } of this.cluster.since("leases", seen) ?? []) {
        seen = version;
        push(type, object);
      }
    });
    const abort = (): void => wake.resolve();
    signal.addEventListener("abort", abort);
    try {
      while (!signal.aborted) {
        const event = queue.shift();
        if (event !== undefined) yield event;
        else {
          await wake.promise;
          wake = Promise.withResolvers<void>();
        }
      }
    } finally {
      unsubscribe();
      signal.removeEventListener("abort", abort);
    }
  }
}

type Outcome<R> = { readonly value: R } | { readonly error: unknown };

function attempt<R>(work: () => R): Outcome<R> {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}
