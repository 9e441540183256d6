/**
 * What may be asked for, and the entry that it becomes. Prices and goods are resolved here, once, before anything is
 * accepted: nothing that is settled later depends on what an offer says by then.
 */
import { z } from "zod";
import { fail } from "../../platform/errors.ts";
import type { Asset } from "./decide.ts";
import { type Entry, parametersHash } from "./entry.ts";
import { derivedId, idProblem } from "./ids.ts";
import { type Account, HOUSE, type Lot, playerAccount, stockAccount, type Transfer } from "./transfer.ts";

/** No control characters: accounts and assets are joined by line breaks inside. */
const name = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}]+$/u, "must not hold control characters");
export const player = name(256).describe("The player, as the allocator knows them.");
const asset = name(64).describe("A currency or an item of the catalogue.");
const amount = z.int().min(1).max(Number.MAX_SAFE_INTEGER).describe("A whole number: cents, pieces.");
const lot = z.strictObject({ asset, amount });
const MAX_LINES = 16;
const lots = z.array(lot).min(1).max(MAX_LINES);
const id = z
  .string()
  .max(36)
  .describe("UUIDv7, made by the caller before the first attempt and kept for every retry.");
const validForSeconds = z
  .int()
  .min(1)
  .max(86_400)
  .default(60)
  .describe("How long it may be carried out; a purchase that is late is declined, not a surprise.");

export const Purchase = z.strictObject({
  kind: z.literal("purchase"),
  id,
  player,
  price: lots.describe("What the player pays."),
  goods: lots.describe("What the player gets; from its stock where the item has one."),
  validForSeconds,
});
export const Reward = z.strictObject({
  kind: z.literal("reward"),
  player,
  reward: name(128).describe("Name of the reward: with player and season it is given once."),
  season: name(64).default("").describe("Season or occasion in which it may be had once more."),
  goods: lots.describe("What the player gets."),
});
export const Trade = z.strictObject({
  kind: z.literal("trade"),
  id,
  player,
  with: name(256).describe("The other player."),
  gives: z.array(lot).max(MAX_LINES).default([]).describe("What the player gives to the other one."),
  takes: z.array(lot).max(MAX_LINES).default([]).describe("What the player gets from the other one."),
  validForSeconds,
});
export const Correction = z.strictObject({
  kind: z.literal("correction"),
  id,
  player,
  adds: z.array(lot).max(MAX_LINES).default([]).describe("What the player gets."),
  removes: z.array(lot).max(MAX_LINES).default([]).describe("What is taken from the player."),
  note: name(200).describe("Why: stands in the log beside the id."),
});
export const Refund = z.strictObject({
  kind: z.literal("refund"),
  of: z.uuid().describe("The transaction to undo: once, and only what the player still holds."),
});
export const TransactionRequest = z.discriminatedUnion("kind", [Purchase, Reward, Trade, Correction, Refund]);
export type TransactionRequest = z.output<typeof TransactionRequest>;

export interface EntryContext {
  readonly nowMs: number;
  readonly trace: string;
  readonly assets: ReadonlyMap<string, Asset>;
  /** Items that are limited in number. */
  readonly limited: ReadonlySet<string>;
}

/** A settled transaction, to be undone. */
export interface Original {
  readonly id: string;
  readonly player: string;
  readonly transfers: readonly Transfer[];
}

/** The entry of any request but a refund. Throws REQUEST_INVALID naming the field. */
export function entryOf(
  request: Exclude<TransactionRequest, { kind: "refund" }>,
  context: EntryContext,
): Entry {
  const own = playerAccount(request.player);
  switch (request.kind) {
    case "purchase": {
      const transfers = [
        ...lines(request.price, own, HOUSE.sink),
        ...request.goods.map((line) => ({ ...line, from: supplier(line, context), to: own })),
      ];
      const { id, kind, player, validForSeconds } = request;
      return entry({ id, kind, player, transfers }, context, validForSeconds);
    }
    case "reward": {
      const id = derivedId("reward", request.player, request.season, request.reward);
      const transfers = lines(request.goods, HOUSE.source, own);
      return entry({ id, kind: request.kind, player: request.player, transfers }, context);
    }
    case "trade": {
      if (request.with === request.player) throw invalid("with", "must be another player");
      const other = playerAccount(request.with);
      const { gives, takes } = request;
      if (gives.length + takes.length === 0) throw invalid("gives", "must not be empty together with takes");
      const transfers = [...lines(gives, own, other), ...lines(takes, other, own)];
      const { id, kind, player, with: counterparty, validForSeconds } = request;
      return entry({ id, kind, player, counterparty, transfers }, context, validForSeconds);
    }
    case "correction": {
      const { adds, removes } = request;
      if (adds.length + removes.length === 0)
        throw invalid("adds", "must not be empty together with removes");
      const transfers = [...lines(removes, own, HOUSE.correction), ...lines(adds, HOUSE.correction, own)];
      const { id, kind, player } = request;
      return entry({ id, kind, player, transfers }, context);
    }
  }
}

/** Undoes a transaction: every line the other way. The id is derived from the original's, so it happens once. */
export function refundOf(original: Original, context: Omit<EntryContext, "assets" | "limited">): Entry {
  const transfers = original.transfers.map(({ from, to, asset, amount }) => ({
    from: to,
    to: from,
    asset,
    amount,
  }));
  const id = derivedId("refund", original.id);
  return finish({ id, kind: "refund", player: original.player, transfers }, context);
}

const supplier = ({ asset }: Lot, { limited }: EntryContext): Account =>
  limited.has(asset) ? stockAccount(asset) : HOUSE.catalogue;

const lines = (lots: readonly Lot[], from: Account, to: Account): Transfer[] =>
  lots.map((lot) => ({ ...lot, from, to }));

/** What a transaction does: the part of an entry that its hash covers. */
type Body = Pick<Entry, "id" | "kind" | "player" | "counterparty" | "transfers">;

function entry(body: Body, context: EntryContext, validForSeconds?: number): Entry {
  const problem = idProblem(body.id, context.nowMs);
  if (problem) throw fail("REQUEST_INVALID", problem, { fields: { id: problem.slice("id: ".length) } });
  for (const { asset } of body.transfers) {
    if (!context.assets.has(asset)) throw invalid(`asset ${asset}`, "is not in the catalogue");
  }
  return finish(body, context, validForSeconds);
}

function finish(
  body: Body,
  { nowMs, trace }: Pick<EntryContext, "nowMs" | "trace">,
  validForSeconds?: number,
): Entry {
  return {
    ...body,
    hash: parametersHash(body),
    acceptedAt: nowMs,
    trace,
    ...(validForSeconds === undefined ? {} : { validUntil: nowMs + validForSeconds * 1_000 }),
  };
}

const invalid = (field: string, what: string) =>
  fail("REQUEST_INVALID", `${field}: ${what}`, { fields: { [field]: what } });
