/**
 * Receipts over HTTP, on the pod's admin listener: for back ends, with a service token; and the addresses that stores
 * send their events to, which prove themselves by signature. Let nothing but those through to the listener from outside.
 */
import { z } from "zod";
import type { Callers } from "../../../platform/callers.ts";
import type { TypedServer } from "../../../platform/http.ts";
import { PlayerLimits } from "../player-limits.ts";
import { player } from "../request.ts";
import { TransactionAnswer, told } from "../routes.ts";
import type { Receipts } from "./receipts.ts";

const MAX_EVENT = 262_144;
const STORES = ["apple", "google", "steam", "paypal"] as const;

const ShownReceipt = z.strictObject({
  store: z.enum(STORES).describe("Store that the player has paid in."),
  player,
  token: z
    .string()
    .min(1)
    .max(16_384)
    .describe(
      "apple: signed transaction or transaction id; google: purchase token; steam, paypal: order id.",
    ),
  product: z.string().min(1).max(256).optional().describe("The store's name of it; needed for google."),
  account: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe("Whom the app told the store that it is for; another one is refused."),
});
const Subscription = z.object({
  store: z.string().describe("Store it was bought in."),
  subscription: z.string().describe("The store's id of it."),
  product: z.string().describe("The store's name of what is subscribed to."),
  state: z
    .enum(["active", "grace", "on-hold", "expired", "revoked"])
    .describe("grace: paid late, and still to be served. on-hold: not paid, not to be served."),
  expiresAt: z.string().optional().describe("Until when it is paid, if the store has said so."),
});
const Subscriptions = z.object({
  subscriptions: z.array(Subscription).describe("All that are known of the player."),
});
const StoreParams = z.object({ store: z.string().describe("Store that sends the event.") });

/** `open` throws STORE_UNAVAILABLE while there is no ledger yet. Without callers only events are taken. */
export function addReceiptRoutes(
  server: TypedServer,
  open: () => Receipts,
  callers: Callers | undefined,
): void {
  if (callers) addOwnRoutes(server, open, callers);
  // A signature is of the body as it came: no parser may touch it.
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      "application/json",
      { parseAs: "string", bodyLimit: MAX_EVENT },
      (_request, body, done) => done(null, body),
    );
    scope.route<{ Params: { store: string }; Body: string }>({
      method: "POST",
      url: "/v1/webhooks/:store",
      bodyLimit: MAX_EVENT,
      schema: { summary: "Events of a store; proved by its signature", params: StoreParams },
      handler: async ({ params, headers, body }) => {
        await open().receive(params.store, { headers, body });
        return {};
      },
    });
  });
}

function addOwnRoutes(server: TypedServer, open: () => Receipts, callers: Callers): void {
  const limits = new PlayerLimits();
  const security = [{ service: [] }];
  const { onRequest } = callers;

  server.route({
    method: "POST",
    url: "/v1/receipts",
    onRequest,
    schema: {
      summary: "Grant what a player has paid for in a store",
      security,
      body: ShownReceipt,
      response: { 200: TransactionAnswer, 202: TransactionAnswer },
    },
    handler: async ({ body, id: trace }, reply) => {
      const receipts = open();
      limits.take(body.player, performance.now());
      const { id, answer } = await receipts.take(body, trace);
      return reply.status(answer.status === "pending" ? 202 : 200).send(told(id, answer));
    },
  });

  server.route({
    method: "GET",
    url: "/v1/players/:player/subscriptions",
    onRequest,
    schema: {
      summary: "What a player has subscribed to",
      security,
      params: z.object({ player }),
      response: { 200: Subscriptions },
    },
    handler: async ({ params }) => ({ subscriptions: await open().subscriptions(params.player) }),
  });
}
