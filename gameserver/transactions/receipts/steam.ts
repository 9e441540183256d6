/**
 * Steam microtransactions. A receipt is the order id that our back end gave to InitTxn. Money moves when we finalise
 * the order, so that is done after the obligation is written down and before anything is granted. Steam sends nothing by
 * itself: what was refunded or charged back is read from its report.
 */
import { z } from "zod";
import { fail } from "../../../platform/errors.ts";
import { ask, away, read } from "./ask.ts";
import {
  type Refused,
  type RefusedReason,
  refused,
  type StoreEvent,
  type StorePort,
  type Verdict,
} from "./port.ts";
import type { SteamSettings } from "./settings.ts";

const CREDENTIALS = "steam.key and steam.appId";
const MAX_REPORT = 1_000;
const ORDER_ID = /^\d{1,20}$/;

/** Steam writes 64-bit numbers as text, or not. */
const id = z.union([z.string(), z.int()]).transform(String);
const Order = z.object({
  orderid: id,
  steamid: id,
  status: z.string(),
  items: z.array(z.object({ itemid: id, qty: z.number() })),
});
type Order = z.output<typeof Order>;
const Envelope = z.object({
  response: z.object({
    result: z.string(),
    error: z.object({ errorcode: id, errordesc: z.string() }).optional(),
  }),
});
const Queried = z.object({ response: z.object({ params: Order }) });
const Reported = z.object({
  response: z.object({
    params: z.object({
      orders: z
        .array(z.object({ orderid: id, status: z.string(), time: z.iso.datetime({ offset: true }) }))
        .default([]),
    }),
  }),
});
const Kept = z.object({ orderid: z.string(), status: z.string() });

const REFUSALS: Readonly<Record<string, RefusedReason>> = {
  Init: "not-paid",
  Failed: "not-paid",
  Refunded: "revoked",
  PartialRefund: "revoked",
  Chargedback: "revoked",
  RefundedSuspectedFraud: "revoked",
  RefundedFriendlyFraud: "revoked",
};
const PARTIAL = "PartialRefund";

export interface ReportPage {
  /** Orders that were taken back, as events. */
  readonly events: readonly StoreEvent[];
  /** Unix ms from which to read on; undefined when nothing has changed since. */
  readonly readTo: number | undefined;
  readonly more: boolean;
}

export interface SteamStore extends StorePort {
  /** What has changed since Unix `sinceMs`, oldest first. */
  report(sinceMs: number, signal: AbortSignal): Promise<ReportPage>;
}

export function steamStore(settings: SteamSettings): SteamStore {
  const { appId, key, timeoutMs } = settings;
  const name = settings.environment === "sandbox" ? "ISteamMicroTxnSandbox" : "ISteamMicroTxn";
  const base = `${settings.baseUrl}/${name}`;
  const common = { timeoutMs, credentials: CREDENTIALS };

  const get = (what: string, path: string, more: Readonly<Record<string, string>>, signal: AbortSignal) => {
    const query = new URLSearchParams({ key, appid: String(appId), ...more });
    return ask({ what, url: `${base}/${path}/?${query.toString()}`, signal, ...common });
  };
  const query = async (orderid: string, signal: AbortSignal): Promise<Order | Refused> => {
    const what = "steam: the order";
    const answer = await get(what, "QueryTxn/v3", { orderid }, signal);
    const { result, error } = read(Envelope, what, answer).response;
    if (result !== "OK") return refused("unknown", `Steam does not know it: ${error?.errordesc ?? result}`);
    return read(Queried, what, answer).response.params;
  };
  const judge = (order: Order): Verdict => {
    const reason = REFUSALS[order.status];
    if (reason) return refused(reason, `Steam says ${order.status}`);
    if (order.status !== "Approved" && order.status !== "Succeeded")
      throw away("steam: the order", `has a status that is not known: ${order.status}`);
    const [item, ...others] = order.items;
    if (!item || others.length > 0)
      return refused("wrong-product", `it has ${order.items.length} items; make an order for each product`);
    return {
      status: "verified",
      receipt: { store: "steam", token: order.orderid, product: item.itemid, quantity: item.qty },
      proof: order.orderid,
      captured: order.status === "Succeeded",
      account: order.steamid,
    };
  };
  const look = async (orderid: string, signal: AbortSignal): Promise<Verdict> => {
    const order = await query(orderid, signal);
    if ("reason" in order) return order;
    return judge(order);
  };

  return {
    store: "steam",
    nameOf: async ({ token }) => token,
    async verify({ token }, signal) {
      if (!ORDER_ID.test(token)) return refused("unknown", "an order id of Steam is a number");
      return look(token, signal);
    },
    async capture({ token: orderid }, signal) {
      const what = "steam: finalise";
      const body = new URLSearchParams({ key, appid: String(appId), orderid }).toString();
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const url = `${base}/FinalizeTxn/v2/`;
      const answer = await ask({ what, url, method: "POST", headers, body, signal, ...common });
      const { result, error } = read(Envelope, what, answer).response;
      if (result === "OK") return undefined;
      // Finalised before, perhaps: only the order itself can tell.
      const verdict = await look(orderid, signal);
      if (verdict.status === "refused") return verdict;
      if (verdict.captured) return undefined;
      throw away(what, `not done: ${error?.errordesc ?? result}`);
    },
    // It was finalised before it was granted: nothing is left to tell.
    acknowledge: async () => {},
    readEvent: async () => {
      throw fail("REQUEST_INVALID", "store: steam sends no webhooks; its report is read instead", {
        fields: { store: "must be one of apple, google, paypal" },
      });
    },
    interpret: async ({ body }) => {
      const { orderid: token, status } = Kept.parse(JSON.parse(body));
      if (status === PARTIAL)
        return [{ kind: "attention", why: `part of steam order ${token} was refunded` }];
      return [{ kind: "refund", token }];
    },
    async probe(signal) {
      await get("steam: probe", "QueryTxn/v3", { orderid: "0" }, signal);
    },
    async report(sinceMs, signal) {
      const what = "steam: the report";
      const time = new Date(sinceMs).toISOString();
      const more = { type: "GAMESALES", time, maxresults: String(MAX_REPORT) };
      const { orders } = read(Reported, what, await get(what, "GetReport/v5", more, signal)).response.params;
      const times = orders.map((order) => Date.parse(order.time));
      return {
        events: orders.filter(({ status }) => REFUSALS[status] === "revoked").map(eventOf),
        readTo: times.length === 0 ? undefined : Math.max(...times),
        more: orders.length === MAX_REPORT,
      };
    },
  };
}

const eventOf = ({ orderid, status }: { readonly orderid: string; readonly status: string }): StoreEvent => ({
  store: "steam",
  event: `${orderid}:${status}`,
  kind: status,
  body: JSON.stringify({ orderid, status }),
});
