/** Two nodes with a server each: one node is drained, then lost. Players go on, and no zone is ever played twice. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { GameServer } from "../../operator/api/kinds.ts";
import { Crowd } from "../bots/crowd.ts";
import { fromAllocator } from "../bots/places.ts";
import { fleetManifest, getServers, makeNamespace, removeNamespace, serversReady } from "./fleet.ts";
import { eventually, kubectl } from "./kubectl.ts";

const run = promisify(execFile);
const NS = "e2e-nodes";
const FLEET = "lane";
const WORKER = `${process.env["GAMEFLEET_CLUSTER"]}-worker`;
const CONTROL_PLANE = `${process.env["GAMEFLEET_CLUSTER"]}-control-plane`;
const PLAYERS = 12;
const token = readFileSync(new URL("../../.state/allocator-token", import.meta.url), "utf8").trim();
const places = fromAllocator({
  allocatorUrl: process.env["GAMEFLEET_ALLOCATOR_URL"] ?? "",
  token,
  namespace: NS,
  fleet: FLEET,
});
const manifest = fleetManifest(NS, FLEET, {
  replicas: 2,
  zones: {
    fixed: ["sol", "vega", "rigel", "deneb"].map((name) => ({ name, sessions: 20 })),
  },
  template: {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: { "gamefleet.dev/fleet": FLEET } },
      },
    ],
  },
});

const on = (node: string) => (server: GameServer) => server.status?.nodeName === node;
const zonesOf = (servers: readonly GameServer[]) =>
  servers.reduce((sum, server) => sum + (server.status?.zones ?? 0), 0);
/** One ready server on each node, and all zones served. */
const spread = () =>
  eventually(async () => {
    const servers = await serversReady(NS, 2);
    return servers.filter(on(WORKER)).length === 1 && zonesOf(servers) === 4 && servers;
  }, "a server on each node, with four zones");
/** Ends the server's pod; the next one has only this node to go to. */
async function moveTo(node: string, server: string): Promise<void> {
  const other = node === WORKER ? CONTROL_PLANE : WORKER;
  await kubectl(["cordon", other]);
  await kubectl(["-n", NS, "delete", "pod", server]);
  await eventually(
    async () => (await serversReady(NS, 2)).some((one) => one.metadata.name === server && on(node)(one)),
    `${server} on ${node}`,
  );
  await kubectl(["uncordon", other]);
}
/** Processes of the node, whatever the API server believes. */
const gamesOnWorker = async () => {
  const { stdout } = await run("docker", ["top", WORKER, "-eo", "pid,args"]);
  return stdout.split("\n").filter((line) => line.includes("gameserver/main.ts")).length;
};

let crowd: Crowd;
const stop = new AbortController();
const everyonePlays = (withinMs?: number) =>
  eventually(async () => crowd.tally.playing === PLAYERS, `${PLAYERS} players in play`, withinMs);

beforeAll(async () => {
  await makeNamespace(NS);
  await kubectl(["apply", "-f", "-"], manifest);
  await spread();
  crowd = new Crowd({ players: PLAYERS, places, signal: stop.signal });
  await crowd.join();
  await everyonePlays();
});
afterEach(async () => {
  await run("docker", ["unpause", WORKER]).catch(() => {});
  await kubectl(["uncordon", WORKER, CONTROL_PLANE]);
});
afterAll(async () => {
  stop.abort();
  crowd.close();
  await removeNamespace(NS);
  // A node that woke takes a while to be itself again: what is tested next counts on it.
  await kubectl(["wait", "nodes", "--all", "--for=condition=Ready", "--timeout=120s"]);
  await kubectl(["-n", "kube-system", "wait", "pods", "--all", "--for=condition=Ready", "--timeout=120s"]);
});

it("a drained node gives its server up by eviction, and its players play on elsewhere", async () => {
  const [before] = (await getServers(NS)).filter(on(WORKER));
  const drain = ["drain", WORKER, "--ignore-daemonsets", "--delete-emptydir-data", "--force"];
  await kubectl([...drain, `--pod-selector=gamefleet.dev/fleet=${FLEET}`, "--timeout=60s"]);
  const servers = await serversReady(NS, 2);
  expect(servers.filter(on(WORKER))).toEqual([]);
  // The same server in another life: no crash was counted against it.
  const after = servers.find((server) => server.metadata.name === before?.metadata.name);
  expect(after?.status?.podUID).not.toBe(before?.status?.podUID);
  expect(after?.status?.crashes ?? []).toEqual([]);
  await everyonePlays();
  expect(crowd.tally.lostSessions).toBe(0);
});

it("a lost node's zones are played elsewhere long before Kubernetes gives the node up", async () => {
  const [first = "", second = ""] = (await getServers(NS)).map((server) => server.metadata.name);
  await moveTo(WORKER, first);
  // Its zones, all that there are, go to the first: everyone plays on the node that is to be lost.
  await moveTo(CONTROL_PLANE, second);
  await eventually(
    async () => zonesOf((await getServers(NS)).filter(on(WORKER))) === 4,
    "zones on the worker",
  );
  await everyonePlays();
  expect(await gamesOnWorker()).toBe(1);
  const lives = new Map(
    (await getServers(NS)).map((server) => [server.metadata.name, server.status?.podUID]),
  );

  await run("docker", ["pause", WORKER]);
  await eventually(async () => crowd.tally.playing === 0, "players of the lost node notice");
  await everyonePlays();
  expect(crowd.tally.lostSessions).toBe(0);
  // Kubernetes still holds the pod for running: it was the stores' silence that told.
  const now = await getServers(NS);
  expect(now.map((server) => server.status?.podUID)).toEqual([...lives.values()]);

  // In the end Kubernetes gives the node up, and the server lives on in another life on the node that is left.
  const servers = await eventually(
    async () => {
      const all = await serversReady(NS, 2, 1_000);
      return all.filter(on(WORKER)).length === 0 && all;
    },
    "both servers on the node that is left",
    150_000,
  );
  expect(servers.some((server) => server.status?.podUID !== lives.get(server.metadata.name))).toBe(true);

  // The old life wakes, finds its zones gone, and is ended.
  await run("docker", ["unpause", WORKER]);
  await eventually(async () => (await gamesOnWorker()) === 0, "the old pod is gone from the node that woke");
  await everyonePlays();
  expect(crowd.tally.lostSessions).toBe(0);
  expect(crowd.tally.badFrames).toBe(0);
}, 300_000);
