/**
 * One run: players who buy, trade and are rewarded, while pods are killed and paused and stores go away; then
 * everything heals, and the books are compared with what players were told. Everything follows from the seed.
 */

import { seededRandom } from "../../../platform/random.ts";
import type { Answer } from "../answer.ts";
import { type Entry, parametersHash } from "../entry.ts";
import { ASSETS, buy, grant, trade } from "../testing/entries.ts";
import { SimPod } from "./sim-pod.ts";
import { SimPostgres } from "./sim-postgres.ts";
import { SimRedis } from "./sim-redis.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { CALM, World } from "./world.ts";

const PLAYERS = ["ann", "bob", "cho", "dee"];
const PODS = 2;
/** How long a caller waits for an answer before asking again: another pod, the same id. */
const CALLER_MS = 2_500;
const MAX_ASKS = 6;

export interface Outcome {
  readonly seed: number;
  readonly asked: number;
  readonly kills: number;
  /** Longest time to an answer, ms: of pods that were not paused meanwhile. */
  readonly longest: number;
  /** Answers by status. */
  readonly answers: ReadonlyMap<string, number>;
  /** What is wrong, in words; empty when all is well. */
  readonly wrong: readonly string[];
}

interface Told {
  readonly entry: Entry;
  readonly answers: Answer[];
}

export async function runSeed(seed: number, transactions = 60): Promise<Outcome> {
  const clock = new VirtualClock();
  const world = new World(clock, seededRandom(seed));
  const redis = new SimRedis(world);
  const postgres = new SimPostgres(world, ASSETS);
  const pods: SimPod[] = [];
  const everyPod: SimPod[] = [];
  const start = (index: number) => {
    const pod = new SimPod(world, redis, postgres);
    pods[index] = pod;
    everyPod.push(pod);
    pod.start();
  };
  for (let index = 0; index < PODS; index++) start(index);
  const told: Told[] = [];
  let open = 0;
  let kills = 0;
  let busy = true;

  const ask = async (entry: Entry): Promise<void> => {
    const record: Told = { entry, answers: [] };
    told.push(record);
    for (let asks = 0; asks < MAX_ASKS; asks++) {
      const pod = world.pick(pods);
      const answer = await Promise.race([pod.submit(entry), clock.sleep(CALLER_MS).then(() => undefined)]);
      if (answer) record.answers.push(answer);
      if (answer && answer.status !== "refused" && answer.status !== "pending") break;
      await clock.sleep(world.between(10, 400));
    }
    open--;
  };
  const trouble = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(world.between(200, 1_500));
      if (!busy) return;
      const index = Math.floor(world.random() * PODS);
      switch (world.pick(["kill", "pause", "redis", "postgres", "weather", "slow"] as const)) {
        case "kill":
          kills++;
          pods[index]?.kill();
          void clock.sleep(world.between(50, 1_000)).then(() => start(index));
          break;
        case "pause":
          pods[index]?.pause(world.between(100, 4_000));
          break;
        case "redis":
          redis.away = true;
          void clock.sleep(world.between(50, 2_000)).then(() => {
            redis.away = false;
          });
          break;
        case "postgres":
          postgres.away = true;
          void clock.sleep(world.between(50, 4_000)).then(() => {
            postgres.away = false;
          });
          break;
        case "weather":
          world.weather = stormy(world);
          break;
        case "slow":
          world.slowest = { redis: world.between(1, 600), postgres: world.between(1, 1_500) };
      }
    }
  };

  void trouble();
  const asking = (async () => {
    for (let n = 0; n < transactions; n++) {
      await clock.sleep(world.between(0, 150));
      open++;
      void ask(nextEntry(world, told, n));
    }
  })();
  let asked = false;
  void asking.then(() => {
    asked = true;
  });
  await clock.runUntil(() => asked && open === 0, 600_000);
  busy = false;
  redis.away = false;
  postgres.away = false;
  world.weather = CALM;
  world.slowest = { redis: 2, postgres: 5 };
  // All heals: what was accepted must be settled by whoever is left.
  const healed = clock.now() + 5_000;
  // A journal less is no harm: a pod that was taken over by mistake sees it when it next appends.
  const living = () => everyPod.filter((pod) => !pod.dead).length;
  const clean = () => redis.size === 0 && redis.journals <= living();
  await clock
    .runUntil(() => clock.now() > healed && clean() && pods.every((pod) => pod.idle), 120_000)
    .catch(() => {});
  return {
    seed,
    asked: told.length,
    kills,
    longest: Math.max(...everyPod.map((pod) => pod.longest)),
    answers: countAnswers(told),
    wrong: check(told, redis, postgres, living()),
  };
}

const stormy = (world: World) => ({
  duplicate: world.random() * 0.2,
  redisRefuses: world.random() ** 3,
  redisDeaf: world.random() ** 3 * 0.5,
  postgresRefuses: world.random() ** 3 * 0.7,
  commitUnknown: world.random() ** 3 * 0.5,
  collision: world.random() * 0.3,
  taken: world.random() * 0.2,
});

function nextEntry(world: World, told: readonly Told[], n: number): Entry {
  // Ids come from the seed too: a run must not depend on the machine's randomness.
  const id = `019b76da-a800-7000-8000-${(n + 1).toString(16).padStart(12, "0")}`;
  const [player, other] = world.random() < 0.5 ? [world.pick(PLAYERS), "eve"] : ["eve", world.pick(PLAYERS)];
  const acceptedAt = world.clock.now();
  const options = { id, player, acceptedAt };
  const again = world.random();
  // The same id with another amount: must be a conflict whatever happens.
  const before = told.length > 0 && again < 0.05 ? world.pick(told).entry : undefined;
  if (before) return rehash({ ...grant(7_777, { ...options, id: before.id }), player: before.player });
  if (again < 0.1) return { ...grant(1, options), trace: "poison" };
  if (again < 0.45) return grant(Math.ceil(world.random() * 100), options);
  if (again < 0.55) {
    const moved = trade(player, other, Math.ceil(world.random() * 30));
    return rehash({ ...moved, id, acceptedAt });
  }
  const validUntil = world.random() < 0.2 ? { validUntil: acceptedAt + world.between(0, 3_000) } : {};
  return buy(Math.ceil(world.random() * 60), { ...options, ...validUntil });
}

const rehash = (entry: Entry): Entry => ({ ...entry, hash: parametersHash(entry) });

function countAnswers(told: readonly Told[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { status } of told.flatMap((one) => one.answers))
    counts.set(status, (counts.get(status) ?? 0) + 1);
  return counts;
}

/** The books against what was told: nothing accepted is lost, nothing happens twice, nobody was told two things. */
function check(told: readonly Told[], redis: SimRedis, postgres: SimPostgres, living: number): string[] {
  const wrong: string[] = [];
  if (redis.journals > living) wrong.push(`${redis.journals} journals, ${living} pods`);
  if (redis.size > 0) wrong.push(`${redis.size} entries still in a journal`);
  for (const { entry, answers } of told) {
    const decided = postgres.decided.get(entry.id);
    const aside = postgres.quarantined.get(entry.id);
    const known = decided?.entry ?? aside;
    const same = known?.hash === entry.hash;
    const truth = !known ? "nothing" : same ? (decided?.final.status ?? "quarantined") : "conflict";
    for (const { status } of answers) {
      if (status === "refused") continue;
      // Told "pending" and then found to be another's id: only while both were on their way.
      if (status === "pending" ? truth === "nothing" : status !== truth)
        wrong.push(`${entry.kind} ${entry.id}: told ${status}, the books say ${truth}`);
    }
  }
  const sums = new Map<string, bigint>();
  for (const { entry, final } of postgres.decided.values()) {
    if (final.status !== "settled") continue;
    for (const { from, to, asset, amount } of entry.transfers) {
      for (const [account, sign] of [
        [from, -1n],
        [to, 1n],
      ] as const) {
        if (account.startsWith("house:")) continue;
        const key = `${account}\n${asset}`;
        sums.set(key, (sums.get(key) ?? 0n) + sign * BigInt(amount));
      }
    }
  }
  for (const key of new Set([...sums.keys(), ...postgres.balances.keys()])) {
    const [sum, balance] = [sums.get(key) ?? 0n, postgres.balances.get(key) ?? 0n];
    if (sum !== balance || balance < 0n)
      wrong.push(`${key.replace("\n", " ")}: ${balance}, its transfers say ${sum}`);
  }
  return wrong;
}
