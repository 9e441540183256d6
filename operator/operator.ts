/** The operator role, put together: stores, caches, controllers, placer, election, HTTP. Wiring only. */
import { hostname } from "node:os";
import { sleep } from "../platform/background.ts";
import { hasCode } from "../platform/errors.ts";
import { nameSuffix } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import { addProcessMetrics, counter, createRegistry, gauge } from "../platform/metrics.ts";
import { MIGRATIONS } from "../platform/ownership/migrations.ts";
import { createPool, migrate } from "../platform/postgres.ts";
import { connectRedis, firstConnection } from "../platform/redis.ts";
import { warnAgain } from "../platform/warn-again.ts";
import { keyOf } from "./api/objects.ts";
import { GROUP } from "./api/schema.ts";
import { LoadBoard } from "./balancer/loads.ts";
import { Placer } from "./balancer/placer.ts";
import { Roster } from "./balancer/roster.ts";
import { zonesOfFleets } from "./balancer/zones-of-fleets.ts";
import { createCaches } from "./caches.ts";
import type { OperatorConfig } from "./config.ts";
import type { Tell } from "./controllers/events.ts";
import { createFleetReconciler } from "./controllers/fleet/controller.ts";
import { createGameServerReconciler } from "./controllers/gameserver/controller.ts";
import type { Node } from "./controllers/gameserver/core.ts";
import { PortBook } from "./controllers/gameserver/port-book.ts";
import { credentialsFrom, loadKubeConfig } from "./kube/credentials.ts";
import { EVENTS, LEASES } from "./kube/definition.ts";
import { resourceFor } from "./kube/resource.ts";
import { createTransport, guarded } from "./kube/transport.ts";
import { createProbes } from "./probes.ts";
import { Controller } from "./runtime/controller.ts";
import { Elector } from "./runtime/elector.ts";
import { Expectations } from "./runtime/expectations.ts";
import type { Lease } from "./runtime/lease.ts";
import { Manager } from "./runtime/manager.ts";
import { createRuntimeMetrics } from "./runtime/metrics.ts";
import { EventRecorder, type KubeEvent } from "./runtime/recorder.ts";
import { Channel, watchMapped, watchOwned, watchPrimary } from "./runtime/sources.ts";

/** Runs until `signal` aborts; rejects with LEADERSHIP_LOST when another replica must be let act. */
export async function runOperator(
  config: OperatorConfig,
  version: string,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const registry = createRegistry();
  addProcessMetrics(registry);
  const metrics = createRuntimeMetrics(registry);
  const identity = `${config.GAMEFLEET_IDENTITY ?? hostname()}-${nameSuffix()}`;
  const redis = connectRedis({ url: config.GAMEFLEET_REDIS_URL, name: "gamefleet-operator", log });
  const pool = createPool({ url: config.GAMEFLEET_DATABASE_URL, name: "gamefleet-operator", log });
  const transport = createTransport({
    credentials: credentialsFrom(loadKubeConfig()),
    registry,
    userAgent: `gamefleet-operator/${version}`,
  });

  const elector = new Elector({
    leases: resourceFor<Lease>(transport, LEASES, { pool: "lease", timeoutMs: 5_000, retry: false }),
    namespace: config.GAMEFLEET_OPERATOR_NAMESPACE,
    name: config.GAMEFLEET_LEASE_NAME,
    identity,
    log,
    metrics,
    leaseSeconds: config.GAMEFLEET_LEASE_SECONDS,
    renewDeadlineMs: config.GAMEFLEET_RENEW_DEADLINE,
    retryMs: config.GAMEFLEET_RENEW_EVERY,
  });
  const manager = new Manager({ log, elector, graceMs: config.GAMEFLEET_STOP_GRACE });

  const acting = guarded(transport, elector.check);
  const { resources, caches, stores } = createCaches({
    transport: acting,
    namespace: config.GAMEFLEET_WATCH_NAMESPACE,
    log,
    metrics,
  });
  const all = Object.values(caches);
  for (const cache of all) manager.addCache(cache);

  const recorder = new EventRecorder({
    events: resourceFor<KubeEvent>(acting, EVENTS),
    controller: `${GROUP}/operator`,
    instance: identity,
    log,
    metrics,
  });
  const tell: Tell = (about, type, reason, note) =>
    recorder.record(about, { type, reason, action: reason, note });

  const news = new Channel();
  const loads = new LoadBoard({
    redis,
    log,
    servers: () => stores.servers.list().map(keyOf),
    onChange: (server) => news.send(server),
  });
  const roster = new Roster(redis, log, elector.check);
  const placer = new Placer({
    pool,
    redis,
    log,
    check: elector.check,
    placed: counter(registry, "gamefleet_zones_placed_total", "Changes of a zone's owner made by the placer"),
    waiting: gauge(registry, "gamefleet_zones_waiting", "Zones that no server can take", ["fleet"]),
    fleets: () => zonesOfFleets(stores.fleets, stores.servers, loads, Date.now()),
  });
  const pokeZones = () => placer.poke();
  const expectations = new Expectations();
  expectations.follow(stores.servers);
  const podsOnNode = (node: Node) =>
    stores.pods
      .list()
      .filter((pod) => pod.spec?.nodeName === node.metadata.name)
      .map(keyOf);
  const readiness = (node: Node) =>
    node.status?.conditions?.find((condition) => condition.type === "Ready")?.status;
  manager.addLeader(
    new Controller({
      name: "gameserver",
      reconcile: createGameServerReconciler({
        servers: resources.servers,
        pods: resources.pods,
        stores,
        loads,
        roster,
        pool,
        ports: new PortBook(config.GAMEFLEET_PLAYER_PORTS, stores.pods, stores.nodes),
        tell,
        pokeZones,
      }),
      sources: [
        watchPrimary(stores.servers),
        watchOwned(stores.pods, "GameServer"),
        // Nodes write their status every few seconds; only what players feel wakes their servers.
        watchMapped(stores.nodes, ({ object, previous }) =>
          previous && readiness(previous) === readiness(object) ? [] : podsOnNode(object),
        ),
        news,
      ],
      log,
      metrics,
    }),
  );
  manager.addLeader(
    new Controller({
      name: "fleet",
      reconcile: createFleetReconciler({
        fleets: resources.fleets,
        servers: resources.servers,
        revisions: resources.revisions,
        stores,
        loads,
        roster,
        expectations,
        tell,
        pokeZones,
      }),
      sources: [watchPrimary(stores.fleets), watchOwned(stores.servers, "Fleet")],
      log,
      metrics,
    }),
  );
  if (config.GAMEFLEET_MIGRATE) {
    manager.add({ name: "migrations", run: ({ stop }) => migrateWhenThere(config, log, stop) });
  }
  manager.addLeader({ name: "placer", run: ({ stop }) => placer.run(stop) });
  manager.addLeader({ name: "roster", run: ({ stop }) => roster.run(stop) });
  manager.addLeader({ name: "loads", run: ({ stop }) => loads.run(stop) });
  manager.addLeader(recorder);
  const port = config.GAMEFLEET_HTTP_PORT;
  manager.addServer(await createProbes({ port, version, log, registry, manager, caches: all }));

  await firstConnection(redis);
  try {
    await manager.run(signal);
  } finally {
    redis.disconnect();
    await pool.end();
    await transport.close();
  }
}

/** Beside everything else: pods are looked after also while the database is away, or comes up after us. */
async function migrateWhenThere(config: OperatorConfig, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await migrate(config.GAMEFLEET_DATABASE_URL, MIGRATIONS, "ownership", log);
      return;
    } catch (error) {
      if (hasCode(error, "SCHEMA_TOO_NEW") || hasCode(error, "SCHEMA_DIFFERS")) throw error;
      warnAgain(log, "database not there yet", error);
      await sleep(1_000, signal);
    }
  }
}
