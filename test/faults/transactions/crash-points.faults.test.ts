/**
 * Each crash point, each victim: a pod comes to the point and stands still there as a whole; then it, or a store, is
 * killed (kill -9), or the pod is left standing until it was taken over. Afterwards the books hold what stood in the
 * journals at that moment (most players walk away and do not ask again before), all that was asked for comes to one
 * answer, and the books agree with what was told.
 *
 * GAMEFLEET_ROUNDS says how often each cell is played, GAMEFLEET_SEED repeats a run's chances.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { afterAll, describe, expect, it } from "vitest";
import type { CrashPoint } from "../../../gameserver/transactions/crash-points.ts";
import { decodeEntry } from "../../../gameserver/transactions/entry.ts";
import { journalKeys } from "../../../gameserver/transactions/journal/redis-journal.ts";
import { query } from "../../../platform/postgres.ts";
import { seededRandom } from "../../../platform/random.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { audit } from "./audit.ts";
import { type Caller, type Pod, startCaller } from "./processes.ts";
import { openStage, type Stage } from "./stage.ts";

const ROUNDS = Number(process.env["GAMEFLEET_ROUNDS"] ?? 1);
const SEED = Number(process.env["GAMEFLEET_SEED"] ?? Date.now() % 1_000_000);
const random = seededRandom(SEED);
const PLAYERS = 60;
const RATE = 60;
/** Cells that are played at the same time, each with stores and pods of its own: most of a cell is waiting for leases. */
const STAGES = 3;
const WALK_AWAY = 0.75;
/** Until a dead one is back, ms. */
const DEAD_MS = [20, 300] as const;

interface Point {
  /** A pod comes to it while it takes another's journal over. */
  readonly takeover: boolean;
  /** Something stands in a journal then. */
  readonly standing: boolean;
}

const POINTS: Readonly<Record<CrashPoint, Point>> = {
  accepted: { takeover: false, standing: false },
  "append-sent": { takeover: false, standing: true },
  appended: { takeover: false, standing: true },
  queued: { takeover: false, standing: true },
  written: { takeover: false, standing: true },
  "commit-sent": { takeover: false, standing: true },
  committed: { takeover: false, standing: true },
  told: { takeover: false, standing: true },
  claimed: { takeover: true, standing: true },
  fenced: { takeover: true, standing: true },
  drained: { takeover: true, standing: true },
  emptied: { takeover: true, standing: false },
};
const LOSES_JOURNAL = "redis and its disk";
/** How often a pod may come to a point while nothing is journaled: just after a store came back. */
const COMINGS = 50;

interface Scene {
  readonly stage: Stage;
  readonly caller: Caller;
  /** The one that stands still, and the other. */
  readonly pod: Pod;
  readonly other: Pod;
}

const dead = () => sleep(DEAD_MS[0] + (DEAD_MS[1] - DEAD_MS[0]) * random());

/** What happens to whom while the pod stands still. Afterwards all are alive. */
const VICTIMS: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async "the pod"({ pod }) {
    await pod.kill();
    await dead();
    await pod.start();
  },
  async redis({ stage, pod }) {
    await stage.redis.kill();
    pod.goOn();
    await dead();
    await stage.redis.start();
  },
  async [LOSES_JOURNAL]({ stage, pod }) {
    await stage.redis.kill();
    stage.redis.lose();
    pod.goOn();
    await dead();
    await stage.redis.start();
  },
  async postgres({ stage, pod }) {
    await stage.postgres.kill();
    pod.goOn();
    await dead();
    await stage.postgres.start();
  },
  // Nobody dies: the pod wakes when its journal is another's.
  async "the pod's lease"({ stage, pod }) {
    await eventually(async () => (await journalsOf(stage, pod.life)) === 0, "the journal is taken over");
    pod.goOn();
  },
};

const free: Scene[] = [];
const all: Scene[] = [];
const waiting: ((scene: Scene) => void)[] = [];
let opened = 0;

async function openScene(): Promise<Scene> {
  const stage = await openStage(PLAYERS, 200);
  const { pods, logFile } = stage;
  const [pod, other] = pods as readonly [Pod, Pod];
  const ports = pods.map(({ port }) => port);
  const seed = Math.floor(random() * 1e9);
  const caller = await startCaller({
    ports,
    rate: RATE,
    players: PLAYERS,
    seed,
    logFile,
    walkAway: WALK_AWAY,
  });
  const scene = { stage, caller, pod, other };
  all.push(scene);
  return scene;
}

async function take(): Promise<Scene> {
  const scene = free.pop();
  if (scene) return scene;
  if (opened < STAGES) {
    opened += 1;
    return openScene();
  }
  return new Promise((resolve) => waiting.push(resolve));
}

function giveBack(scene: Scene): void {
  const next = waiting.shift();
  if (next) next(scene);
  else free.push(scene);
}

afterAll(async () => {
  for (const { caller } of all) caller.kill();
  await Promise.all(all.map(({ stage }) => stage.close()));
});

/**
 * Journals of a life that nobody has closed. A stream without one does not count: the pod settles without Redis just then
 * (it was killed a moment ago), and there is nothing to take over.
 */
async function journalsOf({ pool, eye }: Stage, life: string): Promise<number> {
  const sql = "SELECT id::int AS id FROM ledger.stream WHERE life = $1 AND closed_at IS NULL";
  const open = (await query<{ id: number }>(pool, sql, [life])).map(({ id }) => journalKeys.stream(id));
  return open.length === 0 ? 0 : eye.exists(...open);
}

/** Has `pod` stand still at the point; answers the ids that stand in the journals then. Rejects when it never comes. */
async function bring({ eye }: Stage, pod: Pod, point: CrashPoint): Promise<string[]> {
  for (let coming = 1; ; coming++) {
    await pod.halted(point);
    const ids = await standing(eye);
    if (ids.length > 0 || !POINTS[point].standing) return ids;
    if (coming === COMINGS) throw new Error(`"${point}": nothing is ever journaled then`);
    pod.haltAt(point);
    pod.goOn();
  }
}

/** Plays one cell; answers what must be in the books after it. */
async function play(scene: Scene, point: CrashPoint, victim: string): Promise<string[]> {
  const { stage, caller, pod, other } = scene;
  caller.goOn();
  let ids: string[];
  if (POINTS[point].takeover) {
    // What the other leaves behind is not settled, so that there is something to take over.
    other.haltAt("appended");
    await bring(stage, other, "appended");
    pod.haltAt(point);
    await other.kill();
    ids = await bring(stage, pod, point);
    await Promise.all([VICTIMS[victim]?.(scene), other.start()]);
  } else {
    pod.haltAt(point);
    ids = await bring(stage, pod, point);
    await VICTIMS[victim]?.(scene);
  }
  const journals = async () => (await streams(stage.eye)).length;
  await eventually(async () => (await journals()) <= 2, "the journals of the dead are gone");
  return victim === LOSES_JOURNAL ? [] : ids;
}

const streams = (eye: Redis) => eye.keys("gf:{journal}:s:*");

async function standing(eye: Redis): Promise<string[]> {
  const rows = await Promise.all((await streams(eye)).map((key) => eye.xrange(key, "-", "+")));
  return rows.flat().map(([, [, text = ""]]) => decodeEntry(text)?.id ?? "unreadable");
}

async function missing({ pool }: Stage, ids: readonly string[]): Promise<string[]> {
  const sql =
    "SELECT id FROM unnest($1::uuid[]) AS s (id) WHERE id NOT IN (SELECT id FROM ledger.transaction)";
  return (await query<{ id: string }>(pool, sql, [ids])).map(({ id }) => id);
}

/** The books against what stood in the journals and what was told, with what was left without a final answer. */
async function holdAgainst({ stage, caller }: Scene, ids: readonly string[]) {
  const { pool, logFile, before } = stage;
  // Before those who walked away ask again: what was accepted is carried out without them.
  await eventually(
    async () => (await missing(stage, ids)).length === 0,
    "what stood in a journal is settled",
  );
  const summary = await caller.rest();
  await eventually(async () => (await stage.journaled()) === 0, "empty journals");
  return { ...(await audit(pool, logFile, summary, before)), unanswered: summary.unanswered };
}

const cells = Object.keys(POINTS).flatMap((point) =>
  Object.keys(VICTIMS).map((victim) => ({ point: point as CrashPoint, victim })),
);

console.log(`crash points: GAMEFLEET_SEED=${SEED}, ${cells.length} cells, ${ROUNDS} times each`);

describe.concurrent("nothing is lost and nothing happens twice", () => {
  it.each(cells)(
    'when at "$point" $victim is gone',
    async ({ point, victim }) => {
      const scene = await take();
      try {
        for (let round = 0; round < ROUNDS; round++) {
          const books = await holdAgainst(scene, await play(scene, point, victim));
          expect(books).toEqual({ lost: 0, doubled: 0, imbalance: undefined, unanswered: [] });
        }
      } finally {
        giveBack(scene);
      }
    },
    120_000 + 60_000 * ROUNDS,
  );
});
