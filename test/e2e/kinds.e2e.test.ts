/** The kinds as a user of kubectl meets them: explained, validated, defaulted by a real API server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fleetManifest } from "./fleet.ts";
import { getJson, kubectl, tryKubectl } from "./kubectl.ts";

const NS = "e2e-kinds";
const dryRun = (manifest: string) => tryKubectl(["apply", "--dry-run=server", "-f", "-"], manifest);
const change = (edit: (fleet: { spec: Record<string, never>; metadata: Record<string, never> }) => void) => {
  const fleet = JSON.parse(fleetManifest(NS, "lane")) as Parameters<typeof edit>[0];
  edit(fleet);
  return JSON.stringify(fleet);
};
type Loose = Record<string, Record<string, unknown> & { spec: Record<string, unknown> }>;
const edited = (edit: (spec: Loose) => void) => change((fleet) => edit(fleet.spec as unknown as Loose));

beforeAll(async () => {
  await tryKubectl(["create", "namespace", NS]);
});
afterAll(async () => {
  await tryKubectl(["delete", "namespace", NS, "--wait=false"]);
});

it("explains every field", async () => {
  const text = await kubectl(["explain", "flt.spec", "--recursive"]);
  for (const field of ["maxSurge", "targetCPUPercent", "onDemand", "containerPort", "deadlineSeconds"]) {
    expect(text).toContain(field);
  }
  expect(await kubectl(["explain", "gs.spec.drain.deadlineSeconds"])).toContain(
    "waits for its players to leave",
  );
  expect(await kubectl(["explain", "sm.spec.reason"])).toContain("Rebalance");
});

it("belongs to the category gamefleet and answers to its short names", async () => {
  for (const name of ["gamefleet", "flt", "gs", "sm"]) {
    expect((await tryKubectl(["-n", NS, "get", name])).ok).toBe(true);
  }
});

describe("a fleet that makes no sense is refused, with the field and what it must be", () => {
  const refusals: readonly [string, string, string[]][] = [
    [
      "an unknown field",
      edited((spec) => Object.assign(spec, { replicaz: 2 })),
      ["unknown field", "spec.replicaz"],
    ],
    [
      "a wrong type",
      edited((spec) => Object.assign(spec, { replicas: "two" })),
      ["spec.replicas", "integer"],
    ],
    [
      "too many replicas",
      edited((spec) => Object.assign(spec, { replicas: 10_001 })),
      ["spec.replicas", "10000"],
    ],
    [
      "crossed bounds",
      edited((spec) => Object.assign(spec, { autoscaling: { minReplicas: 5, maxReplicas: 3 } })),
      ["minReplicas must not be greater than maxReplicas"],
    ],
    [
      "a roll-out that could not go on",
      edited((spec) => Object.assign(spec, { strategy: { maxSurge: "0%", maxUnavailable: 0 } })),
      ["maxSurge and maxUnavailable must not both be 0"],
    ],
    [
      "a zone larger than a server",
      edited((spec) => Object.assign(spec, { zones: { fixed: [{ name: "sol", sessions: 101 }] } })),
      ["zones.fixed[].sessions must not be greater than capacity.sessions"],
    ],
    [
      "a static port without its number",
      edited((spec) =>
        Object.assign(spec.template?.spec ?? {}, {
          ports: [{ name: "p", containerPort: 1, policy: "Static" }],
        }),
      ),
      ["hostPort must be set with policy Static"],
    ],
    [
      "two ports alike",
      edited((spec) =>
        Object.assign(spec.template?.spec ?? {}, {
          ports: [
            { name: "a", containerPort: 7000 },
            { name: "b", containerPort: 7000 },
          ],
        }),
      ),
      ["two ports must not have the same containerPort"],
    ],
    [
      "no container",
      edited((spec) => Object.assign(spec.template?.spec ?? {}, { containers: [] })),
      ["containers"],
    ],
    [
      "a name too long",
      change((fleet) => Object.assign(fleet.metadata, { name: "x".repeat(53) })),
      ["at most 52 characters"],
    ],
  ];

  it.each(refusals)("%s", async (_what, manifest, words) => {
    const outcome = await dryRun(manifest);
    expect(outcome.ok).toBe(false);
    for (const word of words) expect(outcome.error).toContain(word);
  });
});

it("fills in what is not said", async () => {
  const outcome = await tryKubectl(
    ["apply", "--dry-run=server", "-o", "json", "-f", "-"],
    fleetManifest(NS, "lane"),
  );
  const { spec } = JSON.parse(outcome.out) as { spec: Record<string, unknown> };
  expect(spec).toMatchObject({
    balancing: { targetCPUPercent: 80 },
    strategy: { type: "RollingUpdate", maxSurge: 1, maxUnavailable: 0, partition: 0 },
    zones: { onDemand: { sessions: 50, max: 1000 } },
    paused: false,
  });
});

it("keeps a game server's spec as it was made", async () => {
  const { template } = (
    JSON.parse(fleetManifest(NS, "x")) as { spec: { template: { spec: Record<string, unknown> } } }
  ).spec;
  // A server of a class that no node can run: it stays Pending, and nothing is started for this test.
  const spec = { ...template.spec, nodeSelector: { "gamefleet.dev/nowhere": "true" } };
  const server = {
    apiVersion: "gamefleet.dev/v1alpha1",
    kind: "GameServer",
    metadata: { name: "lone", namespace: NS },
    spec,
  };
  await kubectl(["apply", "-f", "-"], JSON.stringify(server));
  const patch = JSON.stringify({ spec: { adminPort: 9001 } });
  const outcome = await tryKubectl(["-n", NS, "patch", "gs", "lone", "--type=merge", "-p", patch]);
  expect(outcome.error).toContain("spec must not change");
  const stored = await getJson<{ spec: { adminPort: number } }>(["-n", NS, "get", "gs", "lone"]);
  expect(stored.spec.adminPort).toBe(9000);
  await kubectl(["-n", NS, "delete", "gs", "lone", "--timeout=30s"]);
});

it("is applied from the server's side too, and shows differences", async () => {
  const outcome = await tryKubectl(
    ["apply", "--server-side", "--dry-run=server", "--field-manager=e2e", "-f", "-"],
    fleetManifest(NS, "lane"),
  );
  expect(outcome.ok).toBe(true);
  const diff = await tryKubectl(["diff", "-f", "-"], fleetManifest(NS, "lane"));
  expect(diff.out).toContain("+  replicas: 1");
});
