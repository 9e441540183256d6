/**
 * `npm run bots -- --players 200 --seconds 30`: players for a fleet, and what they saw.
 * Without --url and --token it takes this clone's cluster (test/cluster/env.sh, .state/allocator-token).
 *
 * `--local 7000` plays on a pod of this machine instead, started with GAMEFLEET_LOCAL=true; `--zone sol,vega` names its
 * zones.
 *
 * `--scenario storm --local 7000 --players 5000` plays a script of lean players (lean/scenarios.ts) on a local pod with the
 * bench's game: GAMEFLEET_GAME=test/bench/realtime/game.ts.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Crowd } from "./crowd.ts";
import { runScenario } from "./lean/run.ts";
import { fromAllocator, fromLocalPod, type PlaceSource } from "./places.ts";

const { values } = parseArgs({
  options: {
    players: { type: "string", default: "100" },
    seconds: { type: "string", default: "30" },
    url: { type: "string", default: process.env.GAMEFLEET_ALLOCATOR_URL ?? "http://127.0.0.1:7080" },
    token: { type: "string" },
    namespace: { type: "string", default: "default" },
    fleet: { type: "string", default: "starlanes" },
    zone: { type: "string" },
    local: { type: "string" },
    joins: { type: "string", default: "50" },
    inputs: { type: "string", default: "6" },
    seed: { type: "string", default: "1" },
    scenario: { type: "string" },
  },
});

function placeSource(): PlaceSource {
  const { local, zone, url, namespace, fleet } = values;
  if (local !== undefined) return fromLocalPod(Number(local), (zone ?? "sol").split(","));
  const token =
    values.token ?? readFileSync(new URL("../../.state/allocator-token", import.meta.url), "utf8").trim();
  return fromAllocator({ allocatorUrl: url, token, namespace, fleet, zone });
}

/** Inputs of the last moments, for the line of each second. The summary counts them all. */
const NEWEST_INPUTS = 10_000;
if (values.scenario !== undefined) {
  await runScenario(values.scenario, {
    port: Number(values.local ?? 7_000),
    zone: values.zone ?? "sol",
    players: Number(values.players),
    seconds: Number(values.seconds),
    inputHz: Number(values.inputs),
    seed: Number(values.seed),
  });
  process.exit(0);
}

const stop = new AbortController();
const crowd = new Crowd({
  players: Number(values.players),
  places: placeSource(),
  joinsPerSecond: Number(values.joins),
  inputsPerSecond: Number(values.inputs),
  seed: Number(values.seed),
  signal: stop.signal,
});
const { tally } = crowd;
console.error(`seed ${values.seed}`);
const joined = crowd.join();
const end = performance.now() + Number(values.seconds) * 1_000;
let updates = 0;
const started = process.cpuUsage();
while (performance.now() < end) {
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const perSecond = tally.updates - updates;
  updates = tally.updates;
  const quantile = (share: number) => tally.inputToSeen.quantile(share, NEWEST_INPUTS).toFixed(0);
  console.error(
    `playing ${tally.playing}/${values.players}  updates ${perSecond}/s  input->seen p50 ${quantile(0.5)} ` +
      `p99 ${quantile(0.99)} ms  lost ${tally.lostSessions}`,
  );
}
await joined;
const cpu = process.cpuUsage(started);
crowd.close();
stop.abort();
await new Promise((resolve) => setTimeout(resolve, 500));
console.log(
  JSON.stringify({
    players: Number(values.players),
    played: tally.played,
    lostSessions: tally.lostSessions,
    reasons: Object.fromEntries(tally.reasons),
    resumed: tally.resumed,
    restarted: tally.restarted,
    badFrames: tally.badFrames,
    inputs: tally.inputs,
    acknowledged: tally.acknowledged,
    inputToSeenP50Ms: Number(tally.inputToSeen.quantile(0.5).toFixed(1)),
    inputToSeenP99Ms: Number(tally.inputToSeen.quantile(0.99).toFixed(1)),
    ownLatenessP99Ms: Number(tally.late.quantile(0.99).toFixed(1)),
    updateGapP50Ms: Number(tally.updateGap.quantile(0.5).toFixed(1)),
    updateGapP99Ms: Number(tally.updateGap.quantile(0.99).toFixed(1)),
    botsCpuCores: Number(((cpu.user + cpu.system) / 1e6 / Number(values.seconds)).toFixed(2)),
  }),
);
process.exit(0);
