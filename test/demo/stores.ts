/** The trial stores in the cluster: killed as a crash would, and the books in them looked at. */
import { IMBALANCE } from "../../gameserver/transactions/testing/imbalance.ts";
import { type PodOnNode, signalPod } from "../cluster/signal-pod.ts";
import { kubectl, kubectlJson } from "./kubectl.ts";

const SYSTEM = "gamefleet-system";

export type StoreName = "redis" | "postgres";

interface Pod extends PodOnNode {
  readonly status: {
    readonly containerStatuses?: readonly { readonly ready: boolean; readonly restartCount: number }[];
  };
}

const podOf = async (store: StoreName, signal: AbortSignal) =>
  (await kubectlJson(["-n", SYSTEM, "get", "pod", `gamefleet-${store}-0`], signal)) as Pod;

/** How often the store's container has been started anew, and whether it is ready now. */
export async function storeState(
  store: StoreName,
  signal: AbortSignal,
): Promise<{ readonly restarts: number; readonly ready: boolean }> {
  const [container] = (await podOf(store, signal)).status.containerStatuses ?? [];
  return { restarts: container?.restartCount ?? 0, ready: container?.ready ?? false };
}

/** `kill -9` to all of its processes: no good-bye, nothing flushed. The kubelet starts the store again. */
export async function killStore(store: StoreName, signal: AbortSignal): Promise<void> {
  await signalPod(await podOf(store, signal), store, "KILL");
}

export interface Books {
  /** Purchases that players were told are settled and that the books do not know. */
  readonly lost: number;
  /** Purchases whose lines stand there more than once. */
  readonly doubled: number;
  readonly booksBalance: boolean;
}

/** Compares what players were told with what stands in the ledger. */
export async function lookIntoBooks(settled: readonly string[], signal: AbortSignal): Promise<Books> {
  const told =
    settled.length === 0
      ? "SELECT NULL::uuid WHERE false"
      : `VALUES ${settled.map((id) => `('${id}'::uuid)`).join(",")}`;
  const sql = `
    WITH told (id) AS (${told})
    SELECT
      (SELECT count(*) FROM told LEFT JOIN ledger.transaction t ON t.id = told.id AND t.outcome = 'settled' WHERE t.id IS NULL),
      (SELECT count(*) FROM (SELECT t.id FROM ledger.transaction t JOIN ledger.transfer f ON f.transaction = t.id
        WHERE t.kind = 'purchase' GROUP BY t.id HAVING count(*) <> 2) AS odd),
      (SELECT count(*) FROM (${IMBALANCE}) AS wrong);`;
  const psql = [
    "exec",
    "-i",
    "gamefleet-postgres-0",
    "--",
    "psql",
    "-U",
    "gamefleet",
    "-d",
    "gamefleet",
    "-tA",
    "-F",
    " ",
    "-f",
    "-",
  ];
  const out = await kubectl(["-n", SYSTEM, ...psql], signal, sql);
  const [lost = Number.NaN, doubled = Number.NaN, odd = Number.NaN] = out.trim().split(" ").map(Number);
  if (Number.isNaN(odd)) throw new Error(`the books could not be read: ${out}`);
  return { lost, doubled, booksBalance: odd === 0 };
}
