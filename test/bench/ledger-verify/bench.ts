/**
 * What it costs to verify the books, whether every kind of corruption is found, and what players feel of it.
 *
 * Figures are of books that the ledger wrote itself. A row is one of ledger.transaction or ledger.transfer: a purchase
 * is three. p99: purchases at a fixed rate through the whole processor, in turns with no verifier and with one that
 * looks at everything over and over and at what is new each second, which is far more than pods do.
 */
import { entryOf } from "../../../gameserver/transactions/request.ts";
import { CORRUPTIONS, corrupt } from "../../../gameserver/transactions/testing/corruptions.ts";
import { openTransactions, type Transactions } from "../../../gameserver/transactions/transactions.ts";
import {
  VERIFIER_SESSION,
  verifyFull,
  verifyIncremental,
} from "../../../gameserver/transactions/verifier/verify.ts";
import { uuidv7 } from "../../../platform/ids.ts";
import { silentLog } from "../../../platform/log.ts";
import { createRegistry } from "../../../platform/metrics.ts";
import { createPool, type Pool, withClient } from "../../../platform/postgres.ts";
import { type Bench, cpuSecondsOf, median } from "../harness.ts";
import { watchOthers } from "../physics/quiet.ts";
import { openLoop } from "../transactions/load.ts";
import { openWorld, PLAYERS, rowsIn, superuser, type World } from "./world.ts";

const NEW_ROWS = 10_000;
const RATE = 1_000;
const ROUNDS = 3;
/** Share of the machine that others may use while nothing of ours runs. */
const MOST_BY_OTHERS = 0.15;

export const bench: Bench = async ({ quick, say }) => {
  const before = await othersNow();
  const world = await openWorld();
  const pool = createPool({
    url: world.databaseUrl,
    name: "bench-verifier",
    log: silentLog(),
    maxConnections: 1,
    statementTimeoutMs: 60_000,
    session: VERIFIER_SESSION,
  });
  try {
    const rows = quick ? 300_000 : 2_000_000;
    say(`writing ${rows} rows of the books`);
    await world.write(rows);
    const costs = await measureCosts(world, pool, say);
    const p99 = await measurePlayers(world, pool, quick ? 3 : 20, say);
    const found = await measureFinding(world, pool);
    say(`corruptions found: ${found.found} of ${found.seeded}`);
    const others = Math.max(before, await othersNow());
    return {
      ...(others > MOST_BY_OTHERS
        ? { why: `others used ${(others * 100).toFixed(0)} % of the machine just before or after` }
        : {}),
      ratios: { p99WhileVerifying: median(p99.map(({ verified, alone }) => verified / alone)) },
      figures: {
        fullSecondsPerMillionRows: Number(median(costs.full).toFixed(2)),
        fullCpuSecondsPerMillionRows: Number(median(costs.fullCpu).toFixed(2)),
        firstFullSecondsPerMillionRows: Number((costs.full[0] ?? Number.NaN).toFixed(2)),
        incrementalMsPer10k: Number(median(costs.incremental).toFixed(1)),
        corruptionKindsSeeded: found.seeded,
        corruptionKindsFound: found.found,
        falseFindings: costs.falseFindings + found.others,
        rows: costs.rows,
        p99MsAlone: Number(median(p99.map(({ alone }) => alone)).toFixed(1)),
        p99MsVerified: Number(median(p99.map(({ verified }) => verified)).toFixed(1)),
      },
    };
  } finally {
    await pool.end();
    await world.stop();
  }
};

async function othersNow(): Promise<number> {
  const watch = watchOthers();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  return watch.stop();
}

async function measureCosts(world: World, pool: Pool, say: (text: string) => void) {
  const full: number[] = [];
  const fullCpu: number[] = [];
  const incremental: number[] = [];
  let falseFindings = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const rows = await rowsIn(world.pool);
    const cpu = await cpuOf(pool);
    const all = await withClient(pool, (client) => verifyFull(client, true));
    full.push(all.seconds / (rows / 1e6));
    fullCpu.push(((await cpuOf(pool)) - cpu) / (rows / 1e6));
    await world.write(NEW_ROWS);
    const some = await withClient(pool, verifyIncremental);
    if (!some) throw new Error("the checkpoint was not used");
    incremental.push((some.seconds * 1_000) / (some.rows / NEW_ROWS));
    falseFindings += all.findings.length + some.findings.length;
    // As the verifier does (run.ts): so that the next look reads only what is new.
    await withClient(pool, (client) => client.query("SELECT ledger.summarise()"));
    say(
      `round ${round}/${ROUNDS}: full ${all.seconds.toFixed(2)} s for ${rows} rows, new ${(some.seconds * 1_000).toFixed(0)} ms for ${some.rows}`,
    );
  }
  return { full, fullCpu, incremental, falseFindings, rows: await rowsIn(world.pool) };
}

/** CPU seconds of the one connection that looks: what a look takes whatever else the machine does. */
async function cpuOf(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return cpuSecondsOf(rows[0]?.pid ?? 0);
}

interface Pair {
  readonly alone: number;
  readonly verified: number;
}

async function measurePlayers(
  world: World,
  pool: Pool,
  seconds: number,
  say: (text: string) => void,
): Promise<Pair[]> {
  const transactions = await openTransactions({
    ...world,
    server: "bench/b",
    life: "bench",
    registry: createRegistry(),
    log: silentLog(),
    verify: false,
  });
  const stop = new AbortController();
  const running = transactions.run(stop.signal);
  const side = { buy: () => buyOne(transactions), close: async () => {} };
  const pairs: Pair[] = [];
  try {
    await openLoop(side, RATE, 1);
    for (let round = 1; round <= ROUNDS; round++) {
      const alone = await openLoop(side, RATE, seconds);
      const looking = new AbortController();
      const looks = keepLooking(pool, looking.signal);
      const verified = await openLoop(side, RATE, seconds);
      looking.abort();
      const counts = await looks;
      pairs.push({ alone, verified });
      say(
        `round ${round}/${ROUNDS}: p99 alone ${alone.toFixed(1)} ms, verified ${verified.toFixed(1)} ms (${counts.full} full looks, ${counts.incremental} at what is new)`,
      );
    }
  } finally {
    stop.abort();
    await transactions.close(5_000);
    await running;
  }
  return pairs;
}

async function buyOne({ processor, assets, limited }: Transactions): Promise<void> {
  const nowMs = Date.now();
  const request = {
    kind: "purchase" as const,
    id: uuidv7(nowMs),
    player: `p${Math.floor(Math.random() * PLAYERS)}`,
    price: [{ asset: "credits", amount: 10 }],
    goods: [{ asset: "hull-plate", amount: 1 }],
    validForSeconds: 60,
  };
  const entry = entryOf(request, { nowMs, trace: "bench", assets, limited });
  // Refused at the door is asked again, as a client does; its time counts from the first try.
  for (;;) {
    const answer = await processor.submit(entry);
    if (answer.status === "settled") return;
    if (answer.status !== "refused" && answer.status !== "pending") throw new Error(`told ${answer.status}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Everything over and over, and what is new when a second has passed. */
async function keepLooking(pool: Pool, signal: AbortSignal) {
  const counts = { full: 0, incremental: 0 };
  let at = performance.now();
  while (!signal.aborted) {
    const due = performance.now() - at > 1_000;
    if (due) at = performance.now();
    const look = await withClient(
      pool,
      async (client) => (due ? await verifyIncremental(client) : undefined) ?? verifyFull(client, true),
    );
    counts[look.form] += 1;
  }
  return counts;
}

/** All at once, each on a purchase of its own. */
async function measureFinding(world: World, pool: Pool) {
  const victims = await world.victims(CORRUPTIONS.length);
  const wanted = new Set<string>();
  await superuser(world.databaseUrl, async (client) => {
    for (const [index, corruption] of CORRUPTIONS.entries()) {
      const victim = victims[index];
      if (!victim) throw new Error("too few victims");
      await corrupt(client, corruption, victim);
      wanted.add(`${corruption.kind} ${corruption.subject(victim)}`);
    }
  });
  const { findings } = await withClient(pool, (client) => verifyFull(client, false));
  const told = new Set(findings.map(({ kind, subject }) => `${kind} ${subject}`));
  const stranger = ({ subject }: { readonly subject: string }) => /player:p\d/.test(subject);
  return {
    seeded: wanted.size,
    found: [...wanted].filter((one) => told.has(one)).length,
    others: findings.filter(stranger).length,
  };
}
