/** Our own sides: the processor whole, and its settle alone. */
import { realClock } from "../../../gameserver/transactions/clock.ts";
import type { Asset } from "../../../gameserver/transactions/decide.ts";
import {
  LEDGER_SESSION,
  mayRunAgain,
  PostgresLedger,
} from "../../../gameserver/transactions/ledger/settle.ts";
import { Processor } from "../../../gameserver/transactions/processor.ts";
import { entryOf } from "../../../gameserver/transactions/request.ts";
import { openTransactions } from "../../../gameserver/transactions/transactions.ts";
import { uuidv7 } from "../../../platform/ids.ts";
import { silentLog } from "../../../platform/log.ts";
import { createRegistry } from "../../../platform/metrics.ts";
import { createPool, query } from "../../../platform/postgres.ts";
import { PRICE, type Side } from "./side.ts";
import type { World } from "./world.ts";

/** Our processor, whole: journal, settle, answer. */
export async function ours(world: World): Promise<Side> {
  const transactions = await openTransactions({
    ...world,
    server: "bench/a",
    life: "bench",
    registry: createRegistry(),
    log: silentLog(),
    // The wallets of this world come from nowhere, and what verifying costs is measured by the bench ledger-verify.
    verify: false,
  });
  const stop = new AbortController();
  const running = transactions.run(stop.signal);
  const { assets, limited, processor } = transactions;
  return {
    buy: buyer(processor, assets, limited),
    async close() {
      stop.abort();
      await transactions.close(5_000);
      await running;
    },
  };
}

/** Our settle without the journal: what the journal costs is the difference. */
export async function settleAlone(world: World): Promise<Side> {
  const log = silentLog();
  const pool = createPool({ url: world.databaseUrl, name: "alone", log, session: LEDGER_SESSION });
  const [row] = await query<{ id: number }>(
    pool,
    "INSERT INTO ledger.stream (server, life) VALUES ('bench/alone', 'bench') RETURNING id::int AS id",
  );
  const assets = new Map([
    ["credits", { kind: "currency" as const }],
    ["hull-plate", { kind: "item" as const }],
  ]);
  const none = () => {};
  const observer = {
    answered: none,
    settled: none,
    quarantined: none,
    delayed: none,
    swept: none,
    unreadable: none,
  };
  const stores = {
    journal: () => undefined,
    ledger: new PostgresLedger({ pool, stream: () => row?.id ?? 0, assets: () => assets }),
    journaling: <T>(work: () => Promise<T>) => work(),
    settling: <T>(work: () => Promise<T>) => work(),
    journalAway: true,
    settleAway: false,
    journalShare: undefined,
    mayRunAgain,
    fenced: none,
  };
  const processor = new Processor(stores, observer, realClock);
  return { buy: buyer(processor, assets), close: () => pool.end() };
}

/** One plate for one credit, asked for until it is settled: refused at the door is asked again, as a client does. */
function buyer(
  processor: Processor,
  assets: ReadonlyMap<string, Asset>,
  limited: ReadonlySet<string> = new Set(),
) {
  const lot = (asset: string) => [{ asset, amount: PRICE }];
  return async (player: string): Promise<void> => {
    const nowMs = Date.now();
    const request = {
      kind: "purchase" as const,
      id: uuidv7(nowMs),
      player,
      price: lot("credits"),
      goods: lot("hull-plate"),
      validForSeconds: 60,
    };
    const entry = entryOf(request, { nowMs, trace: "bench", assets, limited });
    for (;;) {
      const answer = await processor.submit(entry);
      if (answer.status === "settled") return;
      if (answer.status !== "refused" && answer.status !== "pending")
        throw new Error(`told ${answer.status}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
}
