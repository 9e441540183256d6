/** Two operators: whatever happens to the one that leads, the work goes on, and never do two act at once. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { fleetManifest, getServers, makeNamespace, removeNamespace } from "./fleet.ts";
import { eventually, kubectl } from "./kubectl.ts";
import {
  bothReady,
  holder,
  leaderPod,
  restartsOf,
  SYSTEM,
  signalOperator,
  stopGracefully,
} from "./operators.ts";

const NS = "e2e-failover";
/** Servers that no node can run: all that matters here is who makes them. */
const template = { nodeSelector: { "gamefleet.dev/nowhere": "true" } };
const scaleTo = (replicas: number) => kubectl(["-n", NS, "scale", "flt/lane", `--replicas=${replicas}`]);
const serversAre = (count: number) =>
  eventually(async () => (await getServers(NS)).length === count, `${count} servers exist`);

beforeAll(async () => {
  await makeNamespace(NS);
  await kubectl(["apply", "-f", "-"], fleetManifest(NS, "lane", { template }));
  await serversAre(1);
});
beforeEach(bothReady);
afterAll(() => removeNamespace(NS));

it("a killed leader is replaced, and the next change is carried out", async () => {
  const before = await holder();
  await signalOperator(await leaderPod(), "KILL");
  await scaleTo(2);
  await serversAre(2);
  expect(await holder()).not.toBe(before);
});

it("a leader that stops cleanly hands over", async () => {
  const before = await holder();
  await stopGracefully((await leaderPod()).metadata.name);
  await scaleTo(3);
  await serversAre(3);
  expect(await holder()).not.toBe(before);
});

it("a leader that was paused and wakes writes nothing: it ends itself", async () => {
  const paused = await leaderPod();
  const { name } = paused.metadata;
  const before = await holder();
  const restarts = await restartsOf(name);
  await signalOperator(paused, "STOP");
  try {
    await scaleTo(6);
    // The other one takes over and does the work while the first still believes that it leads.
    await serversAre(6);
    expect(await holder()).not.toBe(before);
    await scaleTo(4);
    await eventually(
      async () => (await getServers(NS)).filter((s) => !s.metadata.deletionTimestamp).length === 4,
      "four stay",
    );
  } finally {
    await signalOperator(paused, "CONT");
  }
  await eventually(async () => (await restartsOf(name)) > restarts, "the paused operator ended itself");
  const log = await kubectl(["-n", SYSTEM, "logs", name, "--previous", "--tail=200"]);
  expect(log).toContain("LEADERSHIP_LOST");
  // What it saw when it was stopped was "one to six": had it acted on it, there would be more than four now.
  const left = (await getServers(NS)).filter((server) => !server.metadata.deletionTimestamp);
  expect(left).toHaveLength(4);
});
