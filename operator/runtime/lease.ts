/**
 * The election record in a Lease, and the rules for reading and writing it. Pure.
 *
 * Whether a record is still good is judged by how long we have seen it unchanged on our own monotonic clock.
 * The times inside it are for people: two machines' clocks never agree.
 */
import type { KubeObject } from "../api/objects.ts";
import { microTime } from "../api/objects.ts";

export interface LeaseSpec {
  /** Empty when the lease was given back. */
  readonly holderIdentity?: string | undefined;
  readonly leaseDurationSeconds?: number | undefined;
  readonly acquireTime?: string | undefined;
  readonly renewTime?: string | undefined;
  readonly leaseTransitions?: number | undefined;
}

export interface Lease extends KubeObject {
  readonly spec?: LeaseSpec | undefined;
}

/** A lease as last read, and when it was first seen to be so. */
export interface Observation {
  readonly lease: Lease;
  /** Monotonic ms. */
  readonly since: number;
}

/** Takes in a reading: a record that changed starts its time anew, an unchanged one keeps running down. */
export function observe(known: Observation | undefined, lease: Lease, now: number): Observation {
  const same = known !== undefined && recordOf(known.lease) === recordOf(lease);
  return { lease, since: same ? known.since : now };
}

/** What a holder writes; labels and the like may change without anyone having renewed. */
function recordOf(lease: Lease): string {
  const { uid } = lease.metadata;
  const { holderIdentity, renewTime, acquireTime, leaseTransitions } = lease.spec ?? {};
  return JSON.stringify([uid, holderIdentity, renewTime, acquireTime, leaseTransitions]);
}

export function holderOf(lease: Lease): string {
  return lease.spec?.holderIdentity ?? "";
}

/** Milliseconds until another may take the lease; 0 when it is free or has run out. */
export function remainingMs({ lease, since }: Observation, now: number): number {
  if (holderOf(lease) === "") return 0;
  // The holder's own duration counts, not ours: during an upgrade the two may differ.
  const duration = (lease.spec?.leaseDurationSeconds ?? 0) * 1_000;
  return Math.max(0, since + duration - now);
}

export interface Claim {
  readonly identity: string;
  readonly durationSeconds: number;
  /** Wall clock, ms since the epoch. */
  readonly wallMs: number;
}

/** The record by which `identity` takes or renews the lease. */
export function claimed(previous: LeaseSpec | undefined, claim: Claim): LeaseSpec {
  const now = microTime(claim.wallMs);
  const mine = previous?.holderIdentity === claim.identity;
  return {
    holderIdentity: claim.identity,
    leaseDurationSeconds: claim.durationSeconds,
    acquireTime: mine ? (previous.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: (previous?.leaseTransitions ?? 0) + (previous === undefined || mine ? 0 : 1),
  };
}

/** The record by which a holder gives the lease back: anyone may take it at once. */
export function released(previous: LeaseSpec, wallMs: number): LeaseSpec {
  const now = microTime(wallMs);
  return {
    holderIdentity: "",
    // The API server demands a positive number; with no holder it means nothing.
    leaseDurationSeconds: 1,
    acquireTime: now,
    renewTime: now,
    leaseTransitions: previous.leaseTransitions ?? 0,
  };
}
