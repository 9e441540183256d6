/**
 * What the cluster itself promises to everything tested on it: nothing leaves the node, services
 * and names work, and a player outside reaches a host port. `make test-e2e` brings the cluster up,
 * loads `gamefleet:dev`, and sets KUBECONFIG and GAMEFLEET_PLAYER_ADDRESS.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const namespace = `cluster-test-${process.pid}`;
const image = process.env["GAMEFLEET_IMAGE"] ?? "gamefleet:dev";
const playerAddress = process.env["GAMEFLEET_PLAYER_ADDRESS"] ?? "127.0.0.1";
/** The last of the ports that kind maps, which a fleet under test takes last. */
const hostPort = 7031;

async function kubectl(...args: string[]): Promise<string> {
  const { stdout } = await run("kubectl", args, { timeout: 120_000, maxBuffer: 16 << 20 });
  return stdout.trim();
}

const inNamespace = (...args: string[]): Promise<string> => kubectl("-n", namespace, ...args);

/** Runs a program in the client pod and gives what it printed as JSON. */
async function inClient(program: string): Promise<unknown> {
  return JSON.parse(await inNamespace("exec", "client", "--", "node", "--input-type=module", "-e", program));
}

/** A pod that answers every request with its own name. */
const server = (name: string, labels: Record<string, string>, port: object, place: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, labels },
  spec: {
    ...place,
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: "web",
        image,
        imagePullPolicy: "Never",
        args: ["-e", `require("http").createServer((_, to) => to.end("I am ${name}")).listen(8080)`],
        ports: [{ containerPort: 8080, ...port }],
        readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
        resources: { requests: { cpu: "10m", memory: "64Mi" } },
      },
    ],
  },
});

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace },
  spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
};

/** Packets that the node's guard has refused so far. */
async function guardCount(): Promise<number> {
  const cluster = process.env["GAMEFLEET_CLUSTER"];
  const { stdout } = await run("docker", [
    "exec",
    `${cluster}-control-plane`,
    "nft",
    "list",
    "table",
    "inet",
    "nodeguard",
  ]);
  const counts = [...stdout.matchAll(/counter packets (\d+)/g)].map((match) => Number(match[1]));
  expect(counts).toHaveLength(4);
  return counts.reduce((sum, count) => sum + count, 0);
}

beforeAll(async () => {
  await kubectl("create", "namespace", namespace);
  const back = { app: "web" };
  const items = [
    server("one", back, {}),
    server("two", back, {}),
    service,
    // On the node whose guard is looked at, and whose address is asked.
    server("client", {}, { hostPort }, { nodeSelector: { "node-role.kubernetes.io/control-plane": "" } }),
  ];
  const applied = run("kubectl", ["apply", "-f", "-"]);
  applied.child.stdin?.end(JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  await applied;
  await inNamespace("wait", "--for=condition=Ready", "pod", "--all", "--timeout=90s");
});

afterAll(async () => {
  await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=true");
});

describe("the cluster", () => {
  test("has only ready nodes and system pods", async () => {
    const ready = `{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}`;
    const nodes = await kubectl("get", "nodes", "-o", `jsonpath=${ready}`);
    const pods = await kubectl("-n", "kube-system", "get", "pods", "-o", `jsonpath=${ready}`);
    const lines = `${nodes}\n${pods}`.split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(8);
    expect(lines.filter((line) => !line.endsWith(" True"))).toEqual([]);
  });

  test("has no system pod that fails to bring services up to date", async () => {
    const logs = await kubectl("-n", "kube-system", "logs", "-l", "k8s-app=kube-proxy", "--tail=-1");
    expect(logs).not.toBe("");
    // Reflectors lose the API server when the node restarts, say so, and go on.
    const failures = logs
      .split("\n")
      .filter((line) => /^E\d{4}/.test(line) && !line.includes("reflector.go"));
    expect(failures).toEqual([]);
  });

  test("lets nothing out of the node", async () => {
    const before = await guardCount();
    // In the service range, but no service's; and an address that documents may use, nobody's.
    const outcomes = await inClient(`
      import { connect } from "node:net";
      const attempt = (host) => new Promise((done) => {
        const socket = connect({ host, port: 80, timeout: 2000 });
        const end = (how) => { socket.destroy(); done(how); };
        socket.on("connect", () => end("CONNECTED")).on("timeout", () => end("timeout")).on("error", (error) => end(error.code));
      });
      console.log(JSON.stringify(await Promise.all([attempt("10.96.250.250"), attempt("192.0.2.1")])));`);
    for (const outcome of outcomes as string[]) expect(["ENETUNREACH", "timeout"]).toContain(outcome);
    expect(await guardCount()).toBeGreaterThan(before);
  });

  test("serves a name by both back ends", async () => {
    const answers = (await inClient(`
      const ask = () => fetch("http://web.${namespace}.svc.cluster.local/", { headers: { connection: "close" } }).then((answer) => answer.text());
      console.log(JSON.stringify(await Promise.all(Array.from({ length: 40 }, ask))));`)) as string[];
    expect(new Set(answers)).toEqual(new Set(["I am one", "I am two"]));
  });

  test("lets a player in through a host port", async () => {
    const answer = await fetch(`http://${playerAddress}:${hostPort}/`, { signal: AbortSignal.timeout(5000) });
    expect(await answer.text()).toBe("I am client");
  });
});
