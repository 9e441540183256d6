/** The real pod in its real container, with a CPU limit of one core, under 500 players. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Crowd } from "../bots/crowd.ts";
import { fromAllocator } from "../bots/places.ts";
import { fleetManifest, getServers, makeNamespace, removeNamespace, serversReady } from "./fleet.ts";
import { template } from "./helm.ts";
import { eventually, kubectl } from "./kubectl.ts";
import { metricsAskedFor, metricsOf } from "./metrics.ts";

const NS = "e2e-load";
const FLEET = "lane";
const PLAYERS = 500;
const PLAY_SECONDS = 15;
const token = readFileSync(new URL("../../.state/allocator-token", import.meta.url), "utf8").trim();
const stop = new AbortController();
let crowd: Crowd;

beforeAll(async () => {
  await makeNamespace(NS);
  const spec = { capacity: { sessions: 600 }, zones: { fixed: [{ name: "sol", sessions: 600 }] } };
  await kubectl(["apply", "-f", "-"], fleetManifest(NS, FLEET, spec));
  await serversReady(NS, 1);
  crowd = new Crowd({
    players: PLAYERS,
    places: fromAllocator({
      allocatorUrl: process.env["GAMEFLEET_ALLOCATOR_URL"] ?? "",
      token,
      namespace: NS,
      fleet: FLEET,
    }),
    joinsPerSecond: 100,
    buys: "refit",
    signal: stop.signal,
  });
});
afterAll(async () => {
  stop.abort();
  crowd.close();
  await removeNamespace(NS);
});

it("keeps 500 players in one zone in play within its limits, in order, and sells to them", async () => {
  const { tally } = crowd;
  await crowd.join();
  await eventually(async () => tally.playing === PLAYERS, "all in play");
  const before = { updates: tally.updates, acknowledged: tally.acknowledged, inputs: tally.inputs };
  await sleep(PLAY_SECONDS * 1_000);
  crowd.stopBuying();
  const [server] = await getServers(NS);
  const updatesPerSecond = (tally.updates - before.updates) / PLAYERS / PLAY_SECONDS;
  // What was measured, for whoever reads the log; how fast it must be is the benchmarks' business.
  console.log(
    `CPU ${server?.status?.cpuPercent} % of its limit, ${updatesPerSecond.toFixed(1)} updates a second each, ` +
      `input to seen p50 ${tally.inputToSeen.quantile(0.5).toFixed(0)} ms, p99 ${tally.inputToSeen.quantile(0.99).toFixed(0)} ms, ` +
      `purchases ${JSON.stringify(Object.fromEntries(tally.purchases))}`,
  );
  expect(tally).toMatchObject({ playing: PLAYERS, lostSessions: 0, badFrames: 0, restarted: 0 });
  expect(server?.status).toMatchObject({ state: "Ready", sessions: PLAYERS });
  expect(server?.status?.crashes ?? []).toEqual([]);
  // Everyone is served, however the ladder stands: the slowest rate there is is once a second.
  expect(updatesPerSecond).toBeGreaterThan(1);
  expect(tally.acknowledged - before.acknowledged).toBeGreaterThan((tally.inputs - before.inputs) * 0.9);
  await eventually(async () => tally.buying === 0, "every purchase has its last word");
  expect(tally.settled.length).toBeGreaterThan(0);
  // On a machine that is slow enough, a player buys before its welcome money is there, or later than a purchase is valid.
  const honest = ["settled", "declined: insufficient-funds", "declined: expired"];
  expect([...tally.purchases.keys()].filter((word) => !honest.includes(word))).toEqual([]);
});

it("gives every metric that the chart's alerts and dashboard ask for", async () => {
  const enabled = ["serviceMonitor", "podMonitor", "prometheusRule", "dashboard"];
  const { out } = await template([
    "trialStores.enabled=true",
    ...enabled.map((one) => `monitoring.${one}.enabled=true`),
  ]);
  const asked = metricsAskedFor(out);
  expect(asked.length).toBeGreaterThan(25);
  const given = await Promise.all([
    metricsOf("gamefleet-system", "app.kubernetes.io/component in (operator,allocator)", "8080"),
    metricsOf(NS, "gamefleet.dev/server", "9000"),
  ]);
  const all = new Set(given.flatMap((names) => [...names]));
  // A pod has receipts to tell of only where stores are set up.
  const missing = asked.filter((name) => !all.has(name) && !name.startsWith("gamefleet_receipts_"));
  expect(missing).toEqual([]);
});
