/** A fleet in its life on a real cluster: up, scaled, rolled out, broken and repaired, gone. */
import { spawn } from "node:child_process";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { KubeObject } from "../../operator/api/objects.ts";
import {
  fleetManifest,
  getFleet,
  getServers,
  makeNamespace,
  removeNamespace,
  serversReady,
} from "./fleet.ts";
import { eventually, getJson, kubectl } from "./kubectl.ts";

const NS = "e2e-fleet";
const zones = {
  fixed: [
    { name: "sol", sessions: 50 },
    { name: "vega", sessions: 50 },
  ],
};
const apply = (spec: Record<string, unknown>) =>
  kubectl(["apply", "-f", "-"], fleetManifest(NS, "lane", spec));

beforeAll(() => makeNamespace(NS));
afterAll(() => removeNamespace(NS));

/** Every change of a game server as the API server tells it: by name, type, state and its reason. */
function watchServers(): { end(): Map<string, string[]> } {
  const reason = '{.object.status.conditions[?(@.type=="Ready")].reason}';
  const format = `{.type} {.object.metadata.name} {.object.status.state} ${reason}{'\\n'}`;
  const child = spawn("kubectl", [
    "-n",
    NS,
    "get",
    "gs",
    "-w",
    "--output-watch-events",
    "-o",
    `jsonpath=${format}`,
  ]);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return {
    end: () => {
      child.kill();
      const byName = new Map<string, string[]>();
      for (const line of text.trim().split("\n")) {
        const [type, name = "", state, reason] = line.split(" ");
        byName.set(name, [...(byName.get(name) ?? []), [type, state, reason].filter(Boolean).join(" ")]);
      }
      expect(byName.size).toBe(2);
      return byName;
    },
  };
}

/** What the nodes say players reach them at, by node. */
async function playerAddresses(): Promise<Map<string, string | undefined>> {
  const { items } = await getJson<{ items: KubeObject[] }>(["get", "nodes"]);
  return new Map(
    items.map(({ metadata }) => [metadata.name, metadata.annotations?.["gamefleet.dev/player-address"]]),
  );
}

it("comes up with addresses and fixed zones, and says so, for one status write a server", async () => {
  const changes = watchServers();
  await apply({ replicas: 2, zones });
  await kubectl(["-n", NS, "wait", "--for=condition=Available", "flt/lane", "--timeout=90s"]);
  const servers = await serversReady(NS, 2);
  expect(new Set(servers.map((server) => server.status?.ports?.[0]?.port)).size).toBe(2);
  const addresses = await playerAddresses();
  for (const { status } of servers) expect(status?.address).toBe(addresses.get(status?.nodeName ?? ""));
  for (const seen of changes.end().values()) {
    // Made with everything in it, then one status: Ready. What changes later is load. Where the machine takes long over
    // it, what it waits for is said meanwhile, and never the same twice; that a quick start says nothing, `status.test.ts`
    // shows.
    const until = seen.slice(0, seen.indexOf("MODIFIED Ready PodReady") + 1);
    const said = until.join(", ");
    expect(said).toMatch(/^ADDED Pending(, MODIFIED (Pending|Starting) \w+)*, MODIFIED Ready PodReady$/);
    expect(
      until.filter((entry, i) => entry === until[i - 1]),
      said,
    ).toEqual([]);
  }
  const fleet = await eventually(async () => {
    const now = await getFleet(NS, "lane");
    return now.status?.zones === 2 && now;
  }, "two zones served");
  expect(fleet.status).toMatchObject({ readyReplicas: 2, updatedReplicas: 2, observedGeneration: 1 });
  const wide = await kubectl(["-n", NS, "get", "flt,gs", "-o", "wide"]);
  for (const column of ["DESIRED", "READY", "SESSIONS", "CPU%", "ADDRESS", "REVISION", "REASON"]) {
    expect(wide).toContain(column);
  }
});

it("scales up and down by kubectl scale", async () => {
  await kubectl(["-n", NS, "scale", "flt/lane", "--replicas=3"]);
  await serversReady(NS, 3);
  await kubectl(["-n", NS, "scale", "flt/lane", "--replicas=2"]);
  await serversReady(NS, 2);
});

it("brings a killed pod back under the same name, and its zones at once elsewhere", async () => {
  const before = await serversReady(NS, 2);
  const [victim] = before;
  const name = victim?.metadata.name ?? "";
  await kubectl(["-n", NS, "delete", "pod", name, "--grace-period=0", "--force"]);
  await eventually(async () => {
    const servers = await getServers(NS);
    const again = servers.find((server) => server.metadata.name === name);
    return again?.status?.state === "Ready" && again.status.podUID !== victim?.status?.podUID;
  }, `${name} ready in another life`);
  await eventually(async () => (await getFleet(NS, "lane")).status?.zones === 2, "both zones served again");
});

it("restarts a game that crashes, and gives it up when it crashes too often", async () => {
  const { template } = (JSON.parse(fleetManifest(NS, "x")) as { spec: { template: { spec: object } } }).spec;
  const crashing = {
    name: "game",
    image: "gamefleet:dev",
    args: ["-e", "setTimeout(() => process.exit(3), 500)"],
  };
  const spec = { ...template.spec, containers: [crashing], restart: { maxRestarts: 1, backoffSeconds: 1 } };
  const server = {
    apiVersion: "gamefleet.dev/v1alpha1",
    kind: "GameServer",
    metadata: { name: "crashy", namespace: NS },
    spec,
  };
  await kubectl(["apply", "-f", "-"], JSON.stringify(server));
  const givenUp = await eventually(async () => {
    const now = (await getServers(NS)).find((entry) => entry.metadata.name === "crashy");
    return now?.status?.state === "Unhealthy" && now;
  }, "crashy is given up");
  expect(givenUp.status?.crashes?.map((crash) => crash.reason)).toEqual([
    "container game ended with code 3 (Error)",
    "container game ended with code 3 (Error)",
  ]);
  expect(givenUp.status?.conditions?.[0]).toMatchObject({
    type: "Ready",
    status: "False",
    reason: "TooManyCrashes",
  });
  await kubectl(["-n", NS, "delete", "gs", "crashy", "--timeout=30s"]);
});

it("rolls a changed template out without falling below its replicas", async () => {
  const old = await getFleet(NS, "lane");
  const lowest = { ready: 2 };
  const watching = { on: true };
  const watch = (async () => {
    while (watching.on) {
      const ready = (await getServers(NS)).filter((server) => server.status?.state === "Ready").length;
      lowest.ready = Math.min(lowest.ready, ready);
    }
  })();
  await apply({ replicas: 2, zones, template: { health: { startSeconds: 100 } } });
  const done = await eventually(
    async () => {
      const fleet = await getFleet(NS, "lane");
      const progressing = fleet.status?.conditions?.find((condition) => condition.type === "Progressing");
      return (
        fleet.status?.updateRevision !== old.status?.updateRevision &&
        progressing?.reason === "Complete" &&
        fleet
      );
    },
    "roll-out complete",
    120_000,
  );
  watching.on = false;
  await watch;
  expect(done.status).toMatchObject({ updatedReplicas: 2, currentRevision: done.status?.updateRevision });
  expect(lowest.ready).toBeGreaterThanOrEqual(2);
  const revisions = await kubectl(["-n", NS, "get", "controllerrevisions", "-o", "name"]);
  expect(revisions.trim().split("\n")).toHaveLength(2);
});

it("says why when a pod cannot be made, and recovers when it can", async () => {
  await apply({
    replicas: 3,
    zones,
    template: { health: { startSeconds: 100 }, nodeSelector: { "gamefleet.dev/nowhere": "true" } },
  });
  const stuck = await eventually(async () => {
    const servers = await getServers(NS);
    return servers.find((server) => server.status?.conditions?.[0]?.reason === "Unschedulable");
  }, "an unschedulable server says so");
  expect(stuck.status?.state).toBe("Pending");
  // The ready ones of the old revision stay: a broken roll-out does not take the fleet down.
  const ready = (await getServers(NS)).filter((server) => server.status?.state === "Ready");
  expect(ready.length).toBeGreaterThanOrEqual(2);
  await apply({ replicas: 2, zones, template: { health: { startSeconds: 100 } } });
  await serversReady(NS, 2, 120_000);
});

it("goes with all its pods when deleted", async () => {
  await kubectl(["-n", NS, "delete", "flt", "lane"]);
  await eventually(async () => {
    const pods = await kubectl(["-n", NS, "get", "pods", "-o", "name"]);
    return pods.trim() === "" && (await getServers(NS)).length === 0;
  }, "no server and no pod left");
});
