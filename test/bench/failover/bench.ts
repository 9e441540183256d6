/**
 * How long a fleet is without an operator: from the end of the leader to the first thing its successor does, on this
 * clone's kind cluster with gamefleet deployed (make deploy). The thing done is a GameServer made for a fleet that was
 * scaled at the same moment; its creation is heard of by watching.
 */
import { execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { fleetManifest, makeNamespace, removeNamespace } from "../../e2e/fleet.ts";
import { eventually, kubectl } from "../../e2e/kubectl.ts";
import { bothReady, leaderPod, signalOperator, stopGracefully } from "../../e2e/operators.ts";
import { type Bench, median } from "../harness.ts";

const NS = "bench-failover";
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Takes over the variables that env.sh prints. */
function takeEnvironment(): void {
  const script = 'eval "$(test/cluster/env.sh)"; env -0';
  const text = execFileSync("bash", ["-c", script], { cwd: ROOT, encoding: "utf8" });
  for (const pair of text.split("\0")) {
    const at = pair.indexOf("=");
    const name = pair.slice(0, at);
    if (name === "PATH" || name === "KUBECONFIG" || name.startsWith("GAMEFLEET_"))
      process.env[name] = pair.slice(at + 1);
  }
}

/** Counts servers as the API server tells of them. */
function watchServers(): { seen: () => number; stop: () => void } {
  let count = 0;
  const child = spawn("kubectl", ["-n", NS, "get", "gs", "-w", "--no-headers", "--output-watch-events"]);
  child.stdout.on("data", (chunk: Buffer) => {
    count += chunk
      .toString()
      .split("\n")
      .filter((line) => line.startsWith("ADDED")).length;
  });
  return { seen: () => count, stop: () => child.kill() };
}

export const bench: Bench = async ({ quick, say }) => {
  takeEnvironment();
  await makeNamespace(NS);
  const rounds = quick ? 3 : 10;
  const template = { nodeSelector: { "gamefleet.dev/nowhere": "true" } };
  await kubectl(["apply", "-f", "-"], fleetManifest(NS, "lane", { template }));
  const watch = watchServers();
  let replicas = 1;
  await eventually(async () => watch.seen() === 1, "the first server is seen");

  const once = async (
    end: (leader: Awaited<ReturnType<typeof leaderPod>>) => Promise<void>,
  ): Promise<number> => {
    await bothReady();
    const leader = await leaderPod();
    replicas += 1;
    await end(leader);
    const ended = performance.now();
    await kubectl(["-n", NS, "scale", "flt/lane", `--replicas=${replicas}`]);
    const target = replicas;
    while (watch.seen() < target) {
      if (performance.now() - ended > 60_000) throw new Error("no operator took over within a minute");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return (performance.now() - ended) / 1_000;
  };
  try {
    const killed: number[] = [];
    const stopped: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      killed.push(await once((leader) => signalOperator(leader, "KILL")));
      stopped.push(await once((leader) => stopGracefully(leader.metadata.name)));
      say(
        `round ${round}/${rounds}: killed ${killed.at(-1)?.toFixed(2)} s, stopped ${stopped.at(-1)?.toFixed(2)} s`,
      );
    }
    const seconds = (value: number) => Number(value.toFixed(2));
    return {
      figures: {
        killedSecondsMedian: seconds(median(killed)),
        killedSecondsMax: seconds(Math.max(...killed)),
        stoppedSecondsMedian: seconds(median(stopped)),
        stoppedSecondsMax: seconds(Math.max(...stopped)),
        rounds,
      },
    };
  } finally {
    watch.stop();
    await removeNamespace(NS);
  }
};
