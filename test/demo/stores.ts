/** The trial stores in the cluster: killed as a crash would, and the books in them looked at. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { kubectl, kubectlJson } from "./kubectl.ts";

const run = promisify(execFile);
const SYSTEM = "gamefleet-system";

export type StoreName = "redis" | "postgres";

interface Pod {
  readonly metadata: { readonly uid: string };
  readonly spec: { readonly nodeName: string };
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

/**
 * `kill -9` to all of its processes: no good-bye, nothing flushed. A node of kind is a container with the node's name. The
 * kubelet starts the store again.
 */
export async function killStore(store: StoreName, signal: AbortSignal): Promise<void> {
  const { metadata, spec } = await podOf(store, signal);
  const script = `for p in $(grep -ls ${metadata.uid} /proc/[0-9]*/cgroup | cut -d/ -f3); do
    if tr '\\0' ' ' </proc/$p/cmdline | grep -q ${store}; then kill -KILL $p && echo $p; fi; done`;
  const { stdout } = await run("docker", ["exec", spec.nodeName, "bash", "-c", script], { signal });
  if (stdout.trim() === "") throw new Error(`no process of ${store} found`);
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
    WITH told (id) AS (${told}),
    moved AS (
      SELECT account, asset, sum(delta) AS total FROM (
        SELECT target AS account, asset, amount AS delta FROM ledger.transfer
        UNION ALL SELECT source, asset, -amount FROM ledger.transfer) AS sides
      WHERE account NOT LIKE 'house:%' GROUP BY account, asset)
    SELECT
      (SELECT count(*) FROM told LEFT JOIN ledger.transaction t ON t.id = told.id AND t.outcome = 'settled' WHERE t.id IS NULL),
      (SELECT count(*) FROM (SELECT t.id FROM ledger.transaction t JOIN ledger.transfer f ON f.transaction = t.id
        WHERE t.kind = 'purchase' GROUP BY t.id HAVING count(*) <> 2) AS odd),
      (SELECT count(*) FROM ledger.wallet w FULL JOIN moved m USING (account, asset)
        WHERE coalesce(w.balance, 0) <> coalesce(m.total, 0));`;
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
