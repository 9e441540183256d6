/**
 * The transactions API for back ends, on the pod's admin listener. Callers show a service token; players never come
 * this way. Whoever was not answered asks again with the same id, here or at any other pod.
 */
import { z } from "zod";
import type { Callers } from "../../platform/callers.ts";
import { fail } from "../../platform/errors.ts";
import type { TypedServer } from "../../platform/http.ts";
import type { Answer } from "./answer.ts";
import type { Entry } from "./entry.ts";
import { findOriginal, findTransaction, historyOf, holdingsOf } from "./ledger/read.ts";
import { PlayerLimits } from "./player-limits.ts";
import { entryOf, refundOf, TransactionRequest } from "./request.ts";
import type { Transactions } from "./transactions.ts";

export const TransactionAnswer = z.object({
  id: z.string().describe("Id of the transaction."),
  status: z
    .enum(["settled", "declined", "pending", "quarantined"])
    .describe("Done; refused for good; accepted and not done yet; set aside for a person."),
  reason: z.string().optional().describe("Why it was declined."),
});
const Recorded = TransactionAnswer.extend({
  kind: z.string().optional().describe("What kind of transaction it was."),
  player: z.string().optional().describe("Whose it was."),
  settledAt: z.string().optional().describe("When it was settled or declined."),
  trace: z.string().optional().describe("Id of the request that brought it, as in the log."),
});
const IdParams = z.object({ id: z.uuid().describe("Id of the transaction.") });
const PlayerParams = z.object({
  player: z.string().min(1).max(256).describe("The player, as the allocator knows them."),
});
const Page = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).describe("Most transactions of one answer."),
  before: z.uuid().optional().describe("Id of the last one of the page before."),
});

const Wallet = z.object({
  asset: z.string().describe("A currency or an item of the catalogue."),
  balance: z.string().describe("A whole number, as text: it may be larger than a number of JSON holds."),
});
const Wallets = z.object({ wallets: z.array(Wallet).describe("What is more than nothing, by asset.") });
const History = z.object({
  transactions: z.array(Recorded).describe("Those of the page."),
  next: z
    .string()
    .optional()
    .describe("What to send as `before` for the next page; there when this one is full."),
});

/** `open` throws STORE_UNAVAILABLE while there is no ledger yet. */
export function addTransactionRoutes(server: TypedServer, open: () => Transactions, callers: Callers): void {
  const limits = new PlayerLimits();
  const { onRequest } = callers;
  const security = [{ service: [] }];

  server.route({
    method: "POST",
    url: "/v1/transactions",
    onRequest,
    schema: {
      summary: "Carry a transaction out: a purchase, a reward, a trade, a refund or a correction",
      security,
      body: TransactionRequest,
      response: { 200: TransactionAnswer, 202: TransactionAnswer },
    },
    handler: async ({ body, id: requestId }, reply) => {
      const transactions = open();
      const entry = await entryFor(transactions, body, requestId);
      limits.take(entry.player, performance.now());
      const answer = await transactions.processor.submit(entry);
      return reply.status(answer.status === "pending" ? 202 : 200).send(told(entry.id, answer));
    },
  });

  server.route({
    method: "GET",
    url: "/v1/transactions/:id",
    onRequest,
    schema: {
      summary: "What became of a transaction",
      security,
      params: IdParams,
      response: { 200: Recorded },
    },
    handler: async ({ params }) => {
      const { pool, processor } = open();
      const found = await findTransaction(pool, params.id);
      if (found) return { ...found, ...told(params.id, found.answer) };
      if (processor.holds(params.id)) return { id: params.id, status: "pending" as const };
      throw fail(
        "TRANSACTION_NOT_FOUND",
        `id: nothing is known of ${params.id} here; send it again with the same id`,
      );
    },
  });

  server.route({
    method: "GET",
    url: "/v1/players/:player/wallets",
    onRequest,
    schema: {
      summary: "What a player holds",
      security,
      params: PlayerParams,
      response: { 200: Wallets },
    },
    handler: async ({ params }) => ({ wallets: await holdingsOf(open().pool, params.player) }),
  });

  server.route({
    method: "GET",
    url: "/v1/players/:player/transactions",
    onRequest,
    schema: {
      summary: "A player's transactions, newest first",
      security,
      params: PlayerParams,
      querystring: Page,
      response: { 200: History },
    },
    handler: async ({ params, query }) => {
      const page = await historyOf(open().pool, params.player, query.limit, query.before);
      const next = page.length === query.limit ? page.at(-1)?.id : undefined;
      return { transactions: page.map((one) => ({ ...one, ...told(one.id, one.answer) })), next };
    },
  });
}

/** The entry of a request. Throws REQUEST_INVALID, and TRANSACTION_NOT_FOUND for a refund of nothing. */
async function entryFor(transactions: Transactions, body: TransactionRequest, trace: string): Promise<Entry> {
  const { assets, limited, pool } = transactions;
  const context = { nowMs: Date.now(), trace, assets, limited };
  if (body.kind !== "refund") return entryOf(body, context);
  const original = await findOriginal(pool, body.of);
  if (!original) {
    throw fail(
      "TRANSACTION_NOT_FOUND",
      `of: ${body.of} is not a settled transaction; there is nothing to undo`,
    );
  }
  return refundOf(original, context);
}

/** The answer as it is sent. Throws for what is a problem of the request or of the moment. */
export function told(id: string, answer: Answer): z.infer<typeof TransactionAnswer> {
  switch (answer.status) {
    case "conflict":
      throw fail(
        "IDEMPOTENCY_CONFLICT",
        `id: ${id} was used with other parameters; make a new id for a new transaction`,
      );
    case "refused":
      throw fail(
        "TRANSACTION_REFUSED",
        `${answer.reason}: nothing was promised; send it again with the same id`,
        {
          retryAfterSeconds: answer.retryAfterMs / 1_000,
        },
      );
    case "declined":
      return { id, status: "declined", reason: answer.reason };
    default:
      return { id, status: answer.status };
  }
}
