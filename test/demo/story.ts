/**
 * What the demo tells once there is a fleet: players come, the fleet grows, a server dies, nobody is lost.
 *
 * Each step waits for what it claims, on the cluster and at the players; `signal` ends the waiting.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Crowd } from "../bots/crowd.ts";
import { Recovery } from "../bots/recovery.ts";
import type { DemoFleet } from "./fleet.ts";
import type { Steps } from "./steps.ts";
import { type Books, killStore, lookIntoBooks, storeState } from "./stores.ts";

export interface StoryOptions {
  readonly fleet: DemoFleet;
  readonly crowd: Crowd;
  readonly players: number;
  readonly steps: Steps;
  readonly signal: AbortSignal;
}

export interface StoryOutcome {
  recoverySeconds: number | null;
  /** Purchases that players were told are settled, and what the books say of them. */
  purchases: number;
  books: Books | undefined;
}

/** Purchases settled after a store's death that show that it is well again. */
const BOUGHT_AGAIN = 10;

/** The steps of `tellStory`, in order. */
export const STORY_STEPS = [
  "players",
  "scale",
  "kill",
  "recovery",
  "replacement",
  "redis",
  "postgres",
  "purchases",
] as const;

const SERVERS_AFTER_SCALE = 3;
/** Time to look at the table between two steps, ms. */
const PAUSE_MS = 4_000;
const LOOK_EVERY_MS = 100;

export async function tellStory({
  fleet,
  crowd,
  players,
  steps,
  signal,
}: StoryOptions): Promise<StoryOutcome> {
  const outcome: StoryOutcome = { recoverySeconds: null, purchases: 0, books: undefined };
  const until = async (what: string, done: () => boolean): Promise<void> => {
    while (!done()) {
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {
        throw new Error(`not within the time given: ${what}`);
      });
    }
  };
  const untilAsync = async (what: string, done: () => Promise<boolean>): Promise<void> => {
    // kubectl may fail for a moment: that is not yet "no".
    while (!(await done().catch(() => false))) {
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {
        throw new Error(`not within the time given: ${what}`);
      });
    }
  };
  const pause = () => sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);

  await steps.run("players", `${players} players come`, async () => {
    const joined = crowd.join();
    await Promise.race([joined, until("all players have a place", () => false)]);
    await until("all players are in play", () => crowd.tally.playing === players);
    return `${crowd.tally.playing} in play on ${crowd.botsByServer().size} servers`;
  });
  await pause();

  await steps.run(
    "scale",
    `kubectl scale fleet ${fleet.name} --replicas=${SERVERS_AFTER_SCALE}`,
    async () => {
      await fleet.scale(SERVERS_AFTER_SCALE, signal);
      const look = await fleet.until(({ ready }) => ready === SERVERS_AFTER_SCALE, signal);
      return `${look.ready} of ${look.desired} servers are ready`;
    },
  );
  await pause();

  const [victim = "", bots = 0] = [...crowd.botsByServer()].sort((a, b) => b[1] - a[1])[0] ?? [];
  let recovery: Recovery | undefined;
  await steps.run("kill", `kubectl delete pod ${victim} --grace-period=0 --force`, async () => {
    if (bots === 0) throw new Error("nobody plays, so nobody can come back");
    recovery = new Recovery(crowd.bots, victim);
    await fleet.killPod(victim, signal);
    await until("the pod's players have noticed", () => crowd.tally.playing < players);
    return `${recovery.players} players lost their server`;
  });

  await steps.run("recovery", "its players come back by themselves", async () => {
    const watched = recovery;
    if (!watched) throw new Error("no pod was killed");
    await until("all of its players play again", () => watched.seconds !== undefined).catch(
      (error: unknown) => {
        throw new Error(`${watched.back} of ${watched.players} play again`, { cause: error });
      },
    );
    const seconds = watched.seconds ?? Number.NaN;
    outcome.recoverySeconds = Math.round(seconds * 100) / 100;
    return `${watched.players} play again, the last after ${seconds.toFixed(1)} s`;
  });

  await steps.run("replacement", "the fleet replaces what it lost", async () => {
    const look = await fleet.until(
      ({ ready, servers }) => ready === SERVERS_AFTER_SCALE && servers.length === SERVERS_AFTER_SCALE,
      signal,
    );
    return `${look.ready} of ${look.desired} servers are ready`;
  });

  for (const store of ["redis", "postgres"] as const) {
    await steps.run(store, `kill -9 to all of ${store} while players buy`, async () => {
      const before = await storeState(store, signal);
      await killStore(store, signal);
      const settled = crowd.tally.settled.length;
      await untilAsync(`${store} is back`, async () => {
        const now = await storeState(store, signal);
        return now.ready && now.restarts > before.restarts;
      });
      await until("players buy again", () => crowd.tally.settled.length > settled + BOUGHT_AGAIN);
      return `back; ${crowd.tally.settled.length} purchases are settled, ${crowd.tally.playing} players in play`;
    });
  }

  await steps.run("purchases", "what players were told, against the books", async () => {
    crowd.stopBuying();
    await until("every purchase has its last word", () => crowd.tally.buying === 0);
    const { settled } = crowd.tally;
    outcome.purchases = settled.length;
    outcome.books = await lookIntoBooks(settled, signal);
    const { lost, doubled, booksBalance } = outcome.books;
    if (settled.length === 0) throw new Error("nobody bought anything");
    if (lost > 0 || doubled > 0 || !booksBalance)
      throw new Error(`${lost} lost, ${doubled} doubled, books balance: ${booksBalance}`);
    return `${settled.length} settled, none lost, none doubled, the books balance`;
  });
  return outcome;
}
