/**
 * An accepted transaction as it stands in the journal: all that is needed to carry it out, and nothing that could
 * change meanwhile (a price, an offer): those were resolved before it was accepted.
 */
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Transfer } from "./transfer.ts";

export const KINDS = ["purchase", "reward", "refund", "correction", "trade"] as const;
export type Kind = (typeof KINDS)[number];

export interface Entry {
  /** UUIDv7, or derived from a natural key (ids.ts). */
  readonly id: string;
  readonly kind: Kind;
  /** Whose it is; in a trade the one who asked. */
  readonly player: string;
  /** The other player of a trade. */
  readonly counterparty?: string | undefined;
  readonly transfers: readonly Transfer[];
  /** SHA-256 of the parameters, base64url: the same id with another hash is a conflict. */
  readonly hash: string;
  /** Unix ms. */
  readonly acceptedAt: number;
  /** Unix ms after which it must not be carried out any more. Purchases have one; what was paid for in a store never. */
  readonly validUntil?: number | undefined;
  /** Correlation id, from the ticket to the ledger row. */
  readonly trace: string;
}

const VERSION = 1;

/** The hash of what a transaction does. Times and trace are not part of it: a resend has others. */
export function parametersHash(entry: Omit<Entry, "hash" | "acceptedAt" | "trace" | "validUntil">): string {
  const { id, kind, player, counterparty, transfers } = entry;
  const lines = transfers.map(({ from, to, asset, amount }) => [from, to, asset, amount]);
  return hash("sha256", JSON.stringify([id, kind, player, counterparty ?? null, lines]), "base64url");
}

/** Text for the journal: a checksum, then JSON. */
export function encodeEntry(entry: Entry): string {
  const body = JSON.stringify([
    VERSION,
    entry.id,
    entry.kind,
    entry.player,
    entry.counterparty ?? null,
    entry.transfers.map(({ from, to, asset, amount }) => [from, to, asset, amount]),
    entry.hash,
    entry.acceptedAt,
    entry.validUntil ?? null,
    entry.trace,
  ]);
  return crc32(body).toString(16).padStart(8, "0") + body;
}

type Line = readonly [string, string, string, number];
type Body = readonly [
  number,
  string,
  Kind,
  string,
  string | null,
  readonly Line[],
  string,
  number,
  number | null,
  string,
];

/** Undefined for text that was not written by `encodeEntry`, or not wholly. */
export function decodeEntry(text: string): Entry | undefined {
  const body = text.slice(8);
  if (text.slice(0, 8) !== crc32(body).toString(16).padStart(8, "0")) return undefined;
  const [version, id, kind, player, counterparty, lines, parameters, acceptedAt, validUntil, trace] =
    JSON.parse(body) as Body;
  if (version !== VERSION) return undefined;
  return {
    id,
    kind,
    player,
    ...(counterparty === null ? {} : { counterparty }),
    transfers: lines.map(([from, to, asset, amount]) => ({ from, to, asset, amount })),
    hash: parameters,
    acceptedAt,
    ...(validUntil === null ? {} : { validUntil }),
    trace,
  };
}
