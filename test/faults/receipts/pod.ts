/**
 * One pod as a process of its own, to be killed: transactions and receipts as main.ts opens them. Its parent gives it
 * receipts and webhooks, and hears what became of them.
 */
import type { Receipts } from "../../../gameserver/transactions/receipts/receipts.ts";
import { readReceiptSettings } from "../../../gameserver/transactions/receipts/settings.ts";
import { openTransactions } from "../../../gameserver/transactions/transactions.ts";
import { hasCode, messageOf } from "../../../platform/errors.ts";
import { createLog } from "../../../platform/log.ts";
import { createRegistry } from "../../../platform/metrics.ts";

const { POD_REDIS = "", POD_DATABASE = "", POD_SERVER = "", POD_LIFE = "", POD_RECEIPTS = "" } = process.env;

export type Order =
  | { readonly n: number; readonly shown: Parameters<Receipts["take"]>[0] }
  | { readonly n: number; readonly store: string; readonly webhook: Parameters<Receipts["receive"]>[1] };

process.on("disconnect", () => process.exit(0));
const transactions = await openTransactions({
  redisUrl: POD_REDIS,
  databaseUrl: POD_DATABASE,
  server: POD_SERVER,
  life: POD_LIFE,
  registry: createRegistry(),
  log: createLog({ name: POD_SERVER, level: process.env["POD_LOG"] ?? "silent" }),
  receipts: await readReceiptSettings(POD_RECEIPTS),
});
const receipts = transactions.receipts as Receipts;
void transactions.run(new AbortController().signal);
process.on("message", (order: Order) => void carryOut(order));
process.send?.("ready");

async function carryOut(order: Order): Promise<void> {
  try {
    const done =
      "shown" in order
        ? (await receipts.take(order.shown, "test")).answer.status
        : await receipts.receive(order.store, order.webhook);
    process.send?.([order.n, done ?? "kept"]);
  } catch (error) {
    process.send?.([order.n, hasCode(error, "RECEIPT_UNVERIFIED") ? "unverified" : messageOf(error)]);
  }
}
