/**
 * One game server pod, put together. `main.ts` runs one per process; tests run several in one.
 */
import { loop } from "../../platform/background.ts";
import { Callers } from "../../platform/callers.ts";
import { fail, GamefleetError, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { CLOSE, isResumable } from "../../protocol/close.ts";
import { NOTICE } from "../../protocol/frames.ts";
import type { Receipt } from "../../protocol/frames-purchase.ts";
import { collectGarbage } from "../collect-garbage.ts";
import type { Config } from "../config.ts";
import { loadGame } from "../load-game.ts";
import { Sessions } from "../sessions/sessions.ts";
import { compileGame, type Schema, TICK_HZ } from "../simulation/schema.ts";
import type { Receipts } from "../transactions/receipts/receipts.ts";
import { addReceiptRoutes } from "../transactions/receipts/routes.ts";
import { type ReceiptSettings, readReceiptSettings } from "../transactions/receipts/settings.ts";
import { addTransactionRoutes } from "../transactions/routes.ts";
import { startAdmin } from "./admin.ts";
import type { Backing } from "./backing.ts";
import { localBacking } from "./backing-local.ts";
import { storeBacking } from "./backing-stores.ts";
import { cpuMeter, memoryMeter } from "./cgroup.ts";
import { Chores } from "./chores.ts";
import { podMetrics } from "./metrics.ts";
import { Phase } from "./phase.ts";
import { LOOK_MS as PRESSURE_MS, Pressure } from "./pressure.ts";
import { Purchases } from "./purchases.ts";
import { refusalCode } from "./refusal.ts";
import { Second } from "./second.ts";
import { stopPod } from "./stop.ts";
import { SWEEP_MS, sweepSilent } from "./sweep.ts";
import { startThreads, type ThreadListener, type Threads } from "./threads.ts";
import { Zones } from "./zones.ts";

/** A client pings at least so often; ten of them may be lost before its session ends. */
const HEARTBEAT_SECONDS = 30;

export interface Pod {
  readonly playerPort: number;
  readonly adminPort: number;
  readonly zones: Zones;
  /** Resolves when the pod has ended in an orderly way: told players, given up its zones, closed everything. */
  stop(): Promise<void>;
}

/** `onDeath` is called when a worker thread dies: the process should end. */
export async function startPod(config: Config, log: Log, onDeath: (error: unknown) => void): Promise<Pod> {
  const game = await loadGame(config.GAMEFLEET_GAME);
  const receipts = await receiptSettings(config);
  const schema = compileGame(game.declaration);
  const cpu = cpuMeter();
  const phase = new Phase();
  const ioThreads = config.GAMEFLEET_IO_THREADS || (cpu.cores >= 2 ? 2 : 1);

  const listener: ThreadListener = {
    hello(thread, hello) {
      sessions.hello(thread, hello).then(
        (result) => metrics.joined(result),
        (error: unknown) => {
          const { code, reason } = refusalCode(error);
          metrics.joined(reason);
          log[error instanceof GamefleetError ? "info" : "error"](
            { err: { message: messageOf(error) }, code },
            "player refused",
          );
          threads.transports[thread]?.refuse(hello.connection, code, reason);
        },
      );
    },
    gone(thread, connection, code) {
      metrics.closed(code);
      sessions.gone(thread, connection);
    },
    buy(session, order) {
      if (purchases) void purchases.buy(session, order).catch(bug);
      else threads.transports[sessions.get(session)?.thread ?? 0]?.receipt(session, noLedger(order.id));
    },
    reward: (zone, slot, reward) => void purchases?.reward(zone, slot, reward).catch(bug),
    left: (session) => void sessions.end(session, CLOSE.left).catch(bug),
    bug: (message) => log.error({ err: { message } }, "bug in an I/O thread"),
    fault({ zone, where, message }) {
      // An anomaly is put right where it is found; a rule that throws is a mistake in the game.
      const [level, what] = where.startsWith("physics ")
        ? (["warn", "physics anomaly"] as const)
        : (["error", "game rule failed"] as const);
      log[level]({ zone, where, err: { message } }, what);
    },
    over(index) {
      const zone = zones.byIndex(index);
      if (zone?.kind !== "on-demand") return;
      zone.open = false;
      zone.over = true;
      evict(zone, "ended").then(() => backing.over(zone), bug);
    },
    onDeath(thread, error) {
      log.fatal({ thread, err: error }, "thread died");
      onDeath(error);
    },
  };
  const bug = (error: unknown) => log.error({ err: error }, "bug in the control thread");

  const threads = await startThreads(config, schema, ioThreads, listener);
  const metrics = podMetrics(threads.stats, { fleet: config.fleetKey, server: config.serverKey });
  const zones = new Zones(threads, schema, config.GAMEFLEET_MAX_ZONES);
  const backing: Backing = config.GAMEFLEET_LOCAL
    ? await localBacking(config, zones)
    : storeBacking(
        config,
        zones,
        { evict, sessions: () => sessions.list(), opened: () => second.tell() },
        log,
      );
  const sessions: Sessions = new Sessions({
    zones,
    simulation: threads.simulation,
    transports: threads.transports,
    capacity: config.GAMEFLEET_CAPACITY_SESSIONS,
    welcome: welcomeOf(config, schema),
    verify: (token) => backing.verify(token),
    zone: (id) => backing.zone(id),
    closed: () => phase.closedTo,
    onJoined: (session) => backing.joined(session),
    onEnded: (session, code) => backing.ended(session, !isResumable(code)),
  });
  const second = new Second({ config, phase, backing, threads, zones, sessions, cpu, metrics, log });
  const pressure = startPressure(config, threads, phase, log);
  const chores = new Chores(
    [
      {
        name: "second",
        class: "replication",
        everyMs: 1_000,
        work: () => second.pass(),
        onError: (error) => second.failed(error),
      },
      {
        name: "sweep",
        class: "background",
        everyMs: SWEEP_MS,
        work: () => sweepSilent(zones, sessions),
        onError: bug,
      },
      ...backing.chores,
    ],
    threads.stance,
  );
  metrics.watch({ pressure, chores: chores.scheduler, stats: threads.stats });

  async function evict(
    zone: { readonly seats: readonly (string | undefined)[] },
    why: "moved" | "ended",
  ): Promise<void> {
    const code = why === "moved" ? CLOSE.zoneMoved : CLOSE.zoneEnded;
    const seated = zone.seats.filter((session) => session !== undefined);
    await Promise.all(seated.map((session) => sessions.end(session, code)));
  }

  const purchases = config.GAMEFLEET_LOCAL
    ? undefined
    : new Purchases(transactionsOf(config, receipts, log), metrics.registry, game.declaration, {
        session: (id) => sessions.get(id),
        seated(index, slot) {
          const zone = zones.byIndex(index);
          const session = sessions.get(zone?.seats[slot] ?? "");
          return zone && session && { session, zone: zone.id, epoch: zone.epoch };
        },
        receipt: (session, receipt) => threads.transports[session.thread]?.receipt(session.session, receipt),
        purchased: (session, offer, quantity) =>
          threads.simulation.purchased(session.openZone.index, session.slot, offer, quantity),
      });
  const callers = await serviceCallers(config, log);
  const ledger = () => {
    if (!purchases?.transactions) throw fail("STORE_UNAVAILABLE", "the ledger cannot be reached yet");
    return purchases.transactions;
  };

  const admin = await startAdmin({
    name: "gamefleet game server",
    version: String(game.declaration.version),
    log,
    registry: metrics.registry,
    host: config.GAMEFLEET_HOST,
    port: config.GAMEFLEET_ADMIN_PORT,
    ready: () => phase.notReady(second.phaseInputs()),
    healthy: () => phase.unhealthy(second.phaseInputs()),
    status: () => second.status(threads.port, game.declaration),
    routes(server) {
      if (callers) addTransactionRoutes(server, ledger, callers);
      if (receipts) addReceiptRoutes(server, () => ledger().receipts as Receipts, callers);
    },
  });

  await backing.begin();
  const ending = new AbortController();
  const running = Promise.all([
    backing.run(ending.signal),
    loop(async () => pressure.look(performance.now()), {
      everyMs: PRESSURE_MS,
      signal: ending.signal,
      onError: bug,
    }),
    chores.run(ending.signal),
    purchases?.run(ending.signal),
    callers?.run(ending.signal),
  ]);
  log.info(
    { port: threads.port, adminPort: admin.port, game: game.declaration.name, ioThreads, cores: cpu.cores },
    "serving",
  );

  return {
    playerPort: threads.port,
    adminPort: admin.port,
    zones,
    async stop() {
      phase.stopping = true;
      const withinMs = config.GAMEFLEET_DRAIN_SECONDS * 500;
      for (const transport of threads.transports)
        transport.notice({ kind: NOTICE.draining, withinMs, detail: undefined });
      await stopPod({
        sessions,
        withinMs,
        lastSample: () => second.sample(),
        backing,
        connections: () => second.connections,
        end: () => ending.abort(),
        running,
      });
      await admin.server.close();
      await purchases?.close().catch(bug);
      await threads.stop();
    },
  };
}

/** A pod that runs without stores sells nothing. */
const noLedger = (id: string): Receipt => ({
  id,
  status: "invalid",
  againAfterMs: 0,
  detail: "this server has no ledger (GAMEFLEET_LOCAL)",
});

function transactionsOf(config: Config, receipts: ReceiptSettings | undefined, log: Log) {
  return {
    redisUrl: config.GAMEFLEET_REDIS_URL ?? "",
    databaseUrl: config.GAMEFLEET_DATABASE_URL ?? "",
    server: config.serverKey,
    life: config.GAMEFLEET_LIFE,
    receipts,
    log,
  };
}

/** The app stores; undefined where none is set up. */
const receiptSettings = async ({ GAMEFLEET_RECEIPTS_FILE: path }: Config) =>
  path === undefined ? undefined : readReceiptSettings(path);

/** Who may use the transactions API; undefined when nobody may. */
async function serviceCallers(config: Config, log: Log): Promise<Callers | undefined> {
  if (config.GAMEFLEET_SERVICE_TOKENS_DIR === undefined) return undefined;
  const callers = new Callers(config.GAMEFLEET_SERVICE_TOKENS_DIR, log);
  await callers.load();
  return callers;
}

function welcomeOf(config: Config, schema: Schema) {
  return {
    server: config.serverKey,
    game: schema.descriptor,
    tickHz: TICK_HZ,
    updateHz: TICK_HZ / schema.updateTicks,
    heartbeatSeconds: HEARTBEAT_SECONDS,
  };
}

function startPressure(config: Config, threads: Threads, phase: Phase, log: Log): Pressure {
  return new Pressure(
    {
      cpu: cpuMeter(),
      memory: memoryMeter(config.GAMEFLEET_MEMORY_LIMIT_BYTES),
      busy: () => threads.busy(),
      stance: threads.stance,
      phase,
      cpuCap: config.GAMEFLEET_CPU_CAP_PERCENT / 100,
      shedCaches() {
        collectGarbage();
        for (const transport of threads.transports) transport.shed();
      },
      log,
    },
    performance.now(),
  );
}
