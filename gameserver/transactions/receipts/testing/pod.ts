/** A pod as a back end and the stores see it: real books, a real journal, the routes, stores on loopback. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Callers } from "../../../../platform/callers.ts";
import { createHttpServer } from "../../../../platform/http.ts";
import { silentLog } from "../../../../platform/log.ts";
import { createRegistry } from "../../../../platform/metrics.ts";
import { query } from "../../../../platform/postgres.ts";
import { eventually } from "../../../../platform/testing/eventually.ts";
import { freshRedis, redisUrl } from "../../../../test/stores/fixtures.ts";
import { openBooks } from "../../testing/books.ts";
import { openTransactions } from "../../transactions.ts";
import type { Webhook } from "../port.ts";
import type { Receipts } from "../receipts.ts";
import { addReceiptRoutes } from "../routes.ts";
import { openShops } from "./shops.ts";

const TOKEN = "a-service-token-for-tests";

export interface Told {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Record<string, unknown>;
}
export type TestPod = Awaited<ReturnType<typeof openTestPod>>;

export async function openTestPod(over: Record<string, object> = {}) {
  (await freshRedis()).disconnect();
  const books = await openBooks();
  const shops = await openShops();
  const folder = mkdtempSync(join(tmpdir(), "gamefleet-tokens-"));
  writeFileSync(join(folder, "test"), TOKEN);
  const log = silentLog();
  const registry = createRegistry();
  const own = { server: "default/a", life: "life-1", registry, log, receipts: shops.settings(over) };
  const transactions = await openTransactions({ ...own, redisUrl: redisUrl(), databaseUrl: books.url });
  const stop = new AbortController();
  const running = transactions.run(stop.signal);
  const callers = new Callers(folder, log);
  await callers.load();
  const server = await createHttpServer({ name: "test", version: "1", log, registry });
  addReceiptRoutes(server, () => transactions.receipts as Receipts, callers);

  async function call(
    method: "GET" | "POST",
    url: string,
    payload?: object | string,
    head: Webhook["headers"] = {},
  ) {
    const headers = { "content-type": "application/json", ...head } as Record<string, string>;
    const {
      statusCode,
      headers: told,
      ...answer
    } = await server.inject({
      method,
      url,
      headers,
      ...(payload === undefined ? {} : { payload }),
    });
    return { status: statusCode, body: answer.json() as Record<string, unknown>, headers: told } as Told;
  }
  const authorization = `Bearer ${TOKEN}`;
  let players = 0;
  const metric = async (line: string) => {
    const text = await registry.metrics();
    return Number(
      text
        .split("\n")
        .find((one) => one.startsWith(`${line} `))
        ?.split(" ")
        .at(-1) ?? 0,
    );
  };
  const rowsOf = <R extends object>(sql: string, values: readonly unknown[] = []) =>
    query<R & Record<string, unknown>>(books.pool, sql, values);

  return {
    books,
    shops,
    registry,
    transactions,
    call,
    metric,
    rowsOf,
    /** One that nobody has heard of. */
    player: () => `player-${++players}`,
    show: (shown: object, head: Webhook["headers"] = { authorization }) =>
      call("POST", "/v1/receipts", shown, head),
    credits: (player: string) => books.balance(`player:${player}`, "credits"),
    subscriptions: async (player: string) =>
      (await call("GET", `/v1/players/${player}/subscriptions`, undefined, { authorization })).body[
        "subscriptions"
      ],
    /** Sends an event; resolves when it was processed, with the outcome. */
    async event(store: string, { headers = {}, body }: { headers?: Webhook["headers"]; body: string }) {
      const since = await rowsOf<{ at: Date }>("SELECT clock_timestamp() AS at");
      const { status } = await call("POST", `/v1/webhooks/${store}`, body, headers);
      if (status !== 200) throw new Error(`webhook refused: ${status}`);
      const sql = `SELECT outcome FROM ledger.store_event WHERE received_at >= $1 AND outcome IS NOT NULL`;
      await eventually(async () => (await rowsOf(sql, [since[0]?.at])).length > 0, "the event is processed");
      return (await rowsOf<{ outcome: string }>(sql, [since[0]?.at]))[0]?.outcome;
    },
    /** What stands in the outbox for a token. */
    async owed(token: string) {
      const sql = "SELECT outcome, attempts, error, player FROM ledger.store_outbox WHERE token = $1";
      return (
        await rowsOf<{ outcome: string | null; attempts: number; error: string | null }>(sql, [token])
      )[0];
    },
    /** Makes everything in the outbox due, as if minutes had gone by. */
    minutesLater: () =>
      rowsOf(
        "UPDATE ledger.store_outbox SET retry_at = now(), since = since - interval '2 minutes' WHERE done_at IS NULL",
      ),
    async close() {
      stop.abort();
      await running;
      await server.close();
      await transactions.close(1_000);
      await shops.close();
      const wrong = await books.imbalance();
      await books.close();
      rmSync(folder, { recursive: true });
      if (wrong) throw new Error(wrong);
    },
  };
}
