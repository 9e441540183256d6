/** The operator role, put together: stores, caches, controllers, placer, election, HTTP. Wiring only. */
import { hostname } from "node:os";
import { sleep } from "../platform/background.ts";
import { hasCode, messageOf } from "../platform/errors.ts";
import { createHttpServer } from "../platform/http.ts";
import { nameSuffix } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import { addProcessMetrics, counter, createRegistry, gauge, type Registry } from "../platform/metrics.ts";
import { MIGRATIONS } from "../platform/ownership/migrations.ts";
import { createPool, migrate } from "../platform/postgres.ts";
import { connectRedis } from "../platform/redis.ts";
import { fleetKind } from "./api/fleet.ts";
import { gameServerKind } from "./api/gameserver.ts";
import { type Fleet, type GameServer, labels } from "./api/kinds.ts";
import { controllerOf, type KubeObject, keyOf } from "./api/objects.ts";
import { GROUP, type KindDefinition, VERSION } from "./api/schema.ts";
import { LoadBoard } from "./balancer/loads.ts";
import { Placer } from "./balancer/placer.ts";
import { Roster } from "./balancer/roster.ts";
import { zonesOfFleets } from "./balancer/zones-of-fleets.ts";
import type { OperatorConfig } from "./config.ts";
import type { Tell } from "./controllers/events.ts";
import { BY_OWNER, createFleetReconciler } from "./controllers/fleet/controller.ts";
import type { ControllerRevision } from "./controllers/fleet/revision.ts";
import { createGameServerReconciler } from "./controllers/gameserver/controller.ts";
import type { Node, Pod } from "./controllers/gameserver/core.ts";
import { PortBook } from "./controllers/gameserver/port-book.ts";
import { credentialsFrom, loadKubeConfig } from "./kube/credentials.ts";
import {
  CONTROLLER_REVISIONS,
  EVENTS,
  LEASES,
  NODES,
  PODS,
  type ResourceDefinition,
} from "./kube/definition.ts";
import type { Selection } from "./kube/list.ts";
import { resourceFor } from "./kube/resource.ts";
import { createTransport, guarded } from "./kube/transport.ts";
import { Controller } from "./runtime/controller.ts";
import { Elector } from "./runtime/elector.ts";
import { Expectations } from "./runtime/expectations.ts";
import { Health, stallCheck } from "./runtime/health.ts";
import type { Lease } from "./runtime/lease.ts";
import { Manager } from "./runtime/manager.ts";
import { createRuntimeMetrics } from "./runtime/metrics.ts";
import { EventRecorder, type KubeEvent } from "./runtime/recorder.ts";
import { Reflector } from "./runtime/reflector.ts";
import { Channel, watchMapped, watchOwned, watchPrimary } from "./runtime/sources.ts";

const definitionOf = ({ plural, kind }: KindDefinition): ResourceDefinition => ({
  group: GROUP,
  version: VERSION,
  plural,
  kind,
  namespaced: true,
});

const ownerUid = (object: KubeObject): readonly string[] => {
  const owner = controllerOf(object);
  return owner ? [owner.uid] : [];
};

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
  const fleets = resourceFor<Fleet>(acting, definitionOf(fleetKind));
  const servers = resourceFor<GameServer>(acting, definitionOf(gameServerKind));
  const pods = resourceFor<Pod>(acting, PODS);
  const revisions = resourceFor<ControllerRevision>(acting, CONTROLLER_REVISIONS);
  const nodes = resourceFor<Node>(acting, NODES);
  const everywhere: Selection = config.GAMEFLEET_WATCH_NAMESPACE
    ? { namespace: config.GAMEFLEET_WATCH_NAMESPACE }
    : {};
  const common = { log, metrics };
  const indexes = { [BY_OWNER]: ownerUid };
  const cache = {
    fleets: new Reflector<Fleet>({ resource: fleets, selection: everywhere, ...common }),
    servers: new Reflector<GameServer>({ resource: servers, selection: everywhere, indexes, ...common }),
    pods: new Reflector<Pod>({
      resource: pods,
      selection: { ...everywhere, labelSelector: labels.server },
      ...common,
    }),
    revisions: new Reflector<ControllerRevision>({
      resource: revisions,
      selection: { ...everywhere, labelSelector: labels.fleet },
      indexes,
      ...common,
    }),
    nodes: new Reflector<Node>({ resource: nodes, ...common }),
  };
  const caches = Object.values(cache);
  for (const reflector of caches) manager.addCache(reflector);

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
    servers: () => cache.servers.store.list().map(keyOf),
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
    fleets: () => zonesOfFleets(cache.fleets.store, cache.servers.store, loads, Date.now()),
  });
  const pokeZones = () => placer.poke();
  const stores = {
    fleets: cache.fleets.store,
    servers: cache.servers.store,
    pods: cache.pods.store,
    revisions: cache.revisions.store,
    nodes: cache.nodes.store,
  };

  const expectations = new Expectations();
  expectations.follow(cache.servers.store);
  const podsOnNode = (node: Node) =>
    cache.pods.store
      .list()
      .filter((pod) => pod.spec?.nodeName === node.metadata.name)
      .map(keyOf);
  const readiness = (node: Node) =>
    node.status?.conditions?.find((condition) => condition.type === "Ready")?.status;
  manager.addLeader(
    new Controller({
      name: "gameserver",
      reconcile: createGameServerReconciler({
        servers,
        pods,
        stores,
        loads,
        roster,
        pool,
        ports: new PortBook(config.GAMEFLEET_PLAYER_PORTS, cache.pods.store, cache.nodes.store),
        tell,
        pokeZones,
      }),
      sources: [
        watchPrimary(cache.servers.store),
        watchOwned(cache.pods.store, "GameServer"),
        // Nodes write their status every few seconds; only what players feel wakes their servers.
        watchMapped(cache.nodes.store, ({ object, previous }) =>
          previous && readiness(previous) === readiness(object) ? [] : podsOnNode(object),
        ),
        news,
      ],
      ...common,
    }),
  );
  manager.addLeader(
    new Controller({
      name: "fleet",
      reconcile: createFleetReconciler({
        fleets,
        servers,
        revisions,
        stores,
        loads,
        roster,
        expectations,
        tell,
        pokeZones,
      }),
      sources: [watchPrimary(cache.fleets.store), watchOwned(cache.servers.store, "Fleet")],
      ...common,
    }),
  );
  manager.addLeader({ name: "placer", run: ({ stop }) => placer.run(stop) });
  manager.addLeader({ name: "roster", run: ({ stop }) => roster.run(stop) });
  manager.addLeader({ name: "loads", run: ({ stop }) => loads.run(stop) });
  manager.addLeader(recorder);
  manager.addServer(await probes(config, version, log, registry, manager, caches));

  try {
    if (config.GAMEFLEET_MIGRATE) await migrateWhenThere(config, log, signal);
    await manager.run(signal);
  } finally {
    redis.disconnect();
    await pool.end();
    await transport.close();
  }
}

/** The database may come up after us: in a trial everything starts at once. */
async function migrateWhenThere(config: OperatorConfig, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await migrate(config.GAMEFLEET_DATABASE_URL, MIGRATIONS, "ownership", log);
      return;
    } catch (error) {
      if (hasCode(error, "SCHEMA_TOO_NEW")) throw error;
      log.warn({ err: { message: messageOf(error) } }, "database not there yet");
      await sleep(1_000, signal);
    }
  }
}

async function probes(
  config: OperatorConfig,
  version: string,
  log: Log,
  registry: Registry,
  manager: Manager,
  caches: readonly { readonly kind: string; check(): void }[],
) {
  const health = new Health();
  const ready = new Health();
  const stall = stallCheck(5_000);
  health.add("event-loop", stall.check);
  ready.add("caches", () => {
    if (!manager.synced) throw new Error("caches are not filled yet");
    for (const entry of caches) entry.check();
  });
  const problemOf = (checks: Health) => () => {
    const report = checks.report();
    if (report.ok) return undefined;
    return Object.entries(report.checks)
      .filter(([, answer]) => answer !== "ok")
      .map(([name, answer]) => `${name}: ${answer}`)
      .join("\n");
  };
  const server = await createHttpServer({
    name: "gamefleet operator",
    version,
    log,
    registry,
    healthy: problemOf(health),
    ready: problemOf(ready),
  });
  return {
    name: "http",
    start: async () => {
      await server.listen({ host: "0.0.0.0", port: config.GAMEFLEET_HTTP_PORT });
    },
    stop: async () => {
      stall.close();
      await server.close();
    },
  };
}
