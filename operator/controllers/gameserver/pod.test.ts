import { expect, it } from "vitest";
import { gameServer } from "../testing.ts";
import { podFor } from "./pod.ts";

interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly ports?: readonly { readonly name: string; readonly hostPort?: number }[];
  readonly [field: string]: unknown;
}
const containersOf = (spec: Record<string, unknown>, hostPorts = {}) =>
  podFor(gameServer({ spec }), hostPorts).spec["containers"] as readonly [Container, ...Container[]];
const image = "game:1";

it("bears the server's name, is owned by it, and is never restarted by the kubelet", () => {
  const pod = podFor(gameServer(), { players: 7005 });
  expect(pod.metadata).toMatchObject({
    name: "starlanes-x7k2",
    ownerReferences: [{ kind: "GameServer", uid: "uid-x7k2", controller: true }],
  });
  expect(pod.spec).toMatchObject({ restartPolicy: "Never", automountServiceAccountToken: false });
});

it("tells the game who it is, and the game cannot be told otherwise", () => {
  const env = [
    { name: "GAMEFLEET_SERVER", value: "somebody-else" },
    { name: "GAMEFLEET_LIFE", value: "forged" },
    { name: "MODE", value: "ranked" },
  ];
  const [game] = containersOf({ containers: [{ name: "game", image, env }], capacity: { sessions: 42 } });
  const names = game.env?.map((entry) => entry.name) ?? [];
  expect(new Set(names).size).toBe(names.length);
  const byName = new Map(game.env?.map((entry) => [entry.name, entry]));
  expect(byName.get("GAMEFLEET_SERVER")?.value).toBe("starlanes-x7k2");
  expect(byName.get("GAMEFLEET_LIFE")?.valueFrom).toEqual({ fieldRef: { fieldPath: "metadata.uid" } });
  expect(byName.get("GAMEFLEET_CAPACITY_SESSIONS")?.value).toBe("42");
  expect(byName.get("MODE")?.value).toBe("ranked");
});

it("ends before the kubelet kills it", () => {
  for (const [grace, drain] of [
    [30, "28"],
    [2, "1"],
    [1, "1"],
  ] as const) {
    const [game] = containersOf({ terminationGraceSeconds: grace });
    expect(game.env?.find((entry) => entry.name === "GAMEFLEET_DRAIN_SECONDS")?.value).toBe(drain);
  }
});

it("gives the game probes and confinement unless it says otherwise, and its neighbours none", () => {
  const [plain, side] = containersOf({
    containers: [
      { name: "game", image },
      { name: "side", image },
    ],
    adminPort: 9_100,
  });
  expect(plain).toMatchObject({
    readinessProbe: { httpGet: { path: "/readyz", port: 9_100 } },
    livenessProbe: { httpGet: { path: "/healthz", port: 9_100 } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
  });
  expect(side).not.toHaveProperty("readinessProbe");
  const own = { tcpSocket: { port: 7000 } };
  const [told] = containersOf({ containers: [{ name: "game", image, readinessProbe: own }] });
  expect(told["readinessProbe"]).toEqual(own);
});

it("has the host ports it was given and none beside", () => {
  const ports = [
    { name: "players", containerPort: 7000 },
    { name: "tools", containerPort: 7001, policy: "None" },
  ];
  const [game] = containersOf({ ports }, { players: 7_042 });
  const byName = new Map(game.ports?.map((port) => [port.name, port.hostPort]));
  expect(byName).toEqual(
    new Map([
      ["players", 7_042],
      ["tools", undefined],
      ["gf-admin", undefined],
    ]),
  );
});

it("leaves a lost node after 30 s, and passes on what the platform team wants of the place", () => {
  const tolerations = [{ key: "games", operator: "Exists" }];
  const { spec } = podFor(gameServer({ spec: { tolerations, nodeSelector: { pool: "games" } } }), {});
  const taint = (name: string) => ({
    key: `node.kubernetes.io/${name}`,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 30,
  });
  expect(spec["tolerations"]).toEqual([...tolerations, taint("not-ready"), taint("unreachable")]);
  expect(spec["nodeSelector"]).toEqual({ pool: "games" });
  expect(spec).not.toHaveProperty("affinity");
});
