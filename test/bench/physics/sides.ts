/** The two sides of each ratio of this bench: interleaved rounds, of which those that others disturbed are left out. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Crew } from "../../../gameserver/physics/crew.ts";
import { rapier } from "../../../gameserver/physics/rapier.ts";
import { circle, world } from "../../../gameserver/physics/testing.ts";
import { median, quantile } from "../harness.ts";
import { type Size, sideOf } from "./game.ts";
import { watchOthers } from "./quiet.ts";
import { benchZone } from "./zone.ts";

export interface Ratio {
  readonly ratio: number;
  /** The same of the quickest steps of both sides (`UNDISTURBED`): what it is where nobody else wants the cores. */
  readonly undisturbed: number;
  readonly first: number;
  readonly second: number;
  /** Rounds that counted, and the largest share of the machine that others had in them. */
  readonly rounds: number;
  readonly others: number;
}

const MOST_OTHERS = 0.1;
const LEAST_ROUNDS = 3;

/** Share of a round's steps that are taken as undisturbed, even on a machine that others use. */
const UNDISTURBED = 0.05;

interface Round {
  /** Median ms of a step, and that of the undisturbed ones. */
  readonly median: number;
  readonly undisturbed: number;
}

interface Side {
  round(): Round;
}

/** first ÷ second, each the median of its rounds. */
function compare(first: Side, second: Side, rounds: number): Ratio {
  const kept: { a: Round; b: Round; others: number }[] = [];
  const all: typeof kept = [];
  first.round();
  second.round();
  for (let n = 0; n < rounds * 3 && kept.length < rounds; n++) {
    const watch = watchOthers();
    const a = first.round();
    const b = second.round();
    const round = { a, b, others: watch.stop() };
    all.push(round);
    if (round.others <= MOST_OTHERS) kept.push(round);
  }
  const used = kept.length >= LEAST_ROUNDS ? kept : all;
  return {
    ratio: median(used.map(({ a, b }) => a.median / b.median)),
    undisturbed: median(used.map(({ a, b }) => a.undisturbed / b.undisturbed)),
    first: median(used.map(({ a }) => a.median)),
    second: median(used.map(({ b }) => b.median)),
    rounds: used.length,
    others: Math.max(...used.map(({ others }) => others)),
  };
}

function roundOf(step: () => number, steps: number): Side {
  return {
    round() {
      const times = Float64Array.from({ length: steps }, step).sort();
      return { median: quantile(times, 0.5), undisturbed: quantile(times, UNDISTURBED) };
    },
  };
}

/** The same world on one worker and on two, rigid bodies and all. */
export function oneAgainstTwo(size: Size, crew: Crew, rounds: number, steps: number): Ratio {
  const one = benchZone(size);
  const two = benchZone(size, crew);
  try {
    return compare(roundOf(one.step, steps), roundOf(two.step, steps), rounds);
  } finally {
    one.zone.close();
    two.zone.close();
  }
}

/**
 * What two cores of this machine give for the same work in two threads that share nothing: 2 × the step alone ÷ the
 * step beside another such thread. 2 for two whole cores; less where they share caches, memory or one real core. No
 * split of one world can gain more.
 */
export async function machineGain(size: Size, rounds: number, steps: number): Promise<Round> {
  const world = benchZone(size);
  const side = roundOf(world.step, steps);
  side.round();
  const gains: Round[] = [];
  try {
    for (let n = 0; n < rounds; n++) {
      const alone = side.round();
      const neighbour = new Worker(new URL("./neighbour.ts", import.meta.url), { workerData: size });
      await once(neighbour, "message");
      const beside = side.round();
      gains.push({
        median: (2 * alone.median) / beside.median,
        undisturbed: (2 * alone.undisturbed) / beside.undisturbed,
      });
      await neighbour.terminate();
    }
    return {
      median: median(gains.map((gain) => gain.median)),
      undisturbed: median(gains.map((gain) => gain.undisturbed)),
    };
  } finally {
    world.zone.close();
  }
}

/** Circles of the same places and speeds: Rapier's step against the own kernel's, both on one thread. */
export function rapierAgainstKernel(circles: number, rounds: number, steps: number): Ratio {
  const side = sideOf({ circles, rigid: 0 });
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const bodies = Array.from({ length: circles }, () => ({
    kind: 1,
    x: random() * side,
    y: random() * side,
    vx: random() * 8 - 4,
    vy: random() * 8 - 4,
  }));
  const shape = { width: side, height: side, maxSpeed: 20, bounce: true, interest: side };
  const own = world(shape, [circle(0.5)], bodies, { players: [0] });
  const { World, RigidBodyDesc, ColliderDesc } = rapier();
  const theirs = new World({ x: 0, y: 0 });
  theirs.timestep = 1 / 60;
  for (const { x, y, vx, vy } of bodies) {
    const body = theirs.createRigidBody(
      RigidBodyDesc.dynamic().setTranslation(x, y).setLinvel(vx, vy).lockRotations().setCanSleep(false),
    );
    theirs.createCollider(ColliderDesc.ball(0.5).setRestitution(0.4).setFriction(0), body);
  }
  const timed = (step: () => void) => () => {
    const started = performance.now();
    step();
    return performance.now() - started;
  };
  try {
    return compare(
      roundOf(
        timed(() => theirs.step()),
        steps,
      ),
      roundOf(
        timed(() => own.step()),
        steps,
      ),
      rounds,
    );
  } finally {
    theirs.free();
  }
}
