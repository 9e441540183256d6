/**
 * Rigid bodies of some regions of a zone: keeps their Rapier worlds in step with the zone's columns.
 *
 * Columns are the truth. Only what changed crosses the border to WASM: values that rules or circles wrote since the
 * last step go in, bodies that are awake come out. `prepareRows` (rigid-tables.ts) copies what neighbours may look at before any region
 * steps; from then on regions do not touch each other's data, and each writes the columns of its own bodies.
 */
import type { RigidBody as RapierBody, World as RapierWorld } from "@dimforge/rapier2d-deterministic-compat";
import type { KernelData } from "./kernel-data.ts";
import { rapier } from "./rapier.ts";
import { groupRigid } from "./rigid-contacts.ts";
import { ABSENT, GHOST, OWN, SEEN } from "./rigid-state.ts";
import type { RigidTables } from "./rigid-tables.ts";
import type { BodyKind } from "./shapes.ts";

const PERIODS = [1, 2, 4] as const;
/** Half the thickness of the walls around the world, world units; they overlap at the corners. */
const WALL = 100;
/** Bodies are slower than this when they may be left asleep. */
const STILL = 1e-4;

/** Filled by Rapier: no body makes garbage. */
const PLACE = { x: 0, y: 0 };
const SPEED = { x: 0, y: 0 };

export class RigidRegion {
  readonly #tables: RigidTables;
  readonly #region: number;
  /** First index of this region's part of the per-region state. */
  readonly #base: number;
  #world: RapierWorld;
  /** By index (row − first): Rapier's view of the body, made once. */
  readonly #bodies: (RapierBody | undefined)[];

  constructor(tables: RigidTables, region: number) {
    this.#tables = tables;
    this.#region = region;
    this.#base = region * tables.state.count;
    this.#world = emptyWorld(tables.data.world);
    this.#bodies = Array.from({ length: tables.state.count });
  }

  /** One step of `dt` seconds, or none when this region is not due. */
  step(dt: number, farSlowing: number): void {
    const { state, level } = this.#tables;
    const owed = (state.debt[this.#region] as number) + 1;
    const seen = level[this.#region] as 0 | 1 | 2;
    const period = PERIODS[seen] * (seen > 0 ? farSlowing : 1);
    if (owed < Math.max(period, state.period[this.#region] as number)) {
      state.debt[this.#region] = owed;
      this.#group();
      return;
    }
    state.debt[this.#region] = 0;
    const started = performance.now();
    this.#admit();
    // An isolated region runs slower than the world; one that is only far away makes its time up.
    this.#world.timestep = (state.period[this.#region] as number) > 1 ? dt : dt * owed;
    this.#world.step();
    this.#readBack();
    this.#group();
    this.#tables.ms[this.#region] = performance.now() - started;
  }

  snapshot(): Uint8Array {
    return this.#world.takeSnapshot();
  }

  /** After the zone's state was restored. Bytes of length 0 are a world that has not begun. */
  restore(bytes: Uint8Array): void {
    this.#world.free();
    const { World } = rapier();
    this.#world = bytes.length > 0 ? World.restoreSnapshot(bytes) : emptyWorld(this.#tables.data.world);
    this.#bodies.fill(undefined);
    const { state } = this.#tables;
    for (let i = 0; i < state.count; i++) {
      if (state.presence[this.#base + i] !== ABSENT) {
        this.#bodies[i] = this.#world.getRigidBody(state.handle[this.#base + i] as number);
      }
    }
  }

  free(): void {
    this.#world.free();
  }

  /** Bodies that come, go, or were changed from outside; in row order. */
  #admit(): void {
    const { state, generation, near } = this.#tables;
    const bit = 1 << this.#region;
    for (let i = 0; i < state.count; i++) {
      const at = this.#base + i;
      const had = state.presence[at] as number;
      const wanted =
        ((near[i] as number) & bit) === 0 ? ABSENT : state.owner[i] === this.#region + 1 ? OWN : GHOST;
      if (had === ABSENT && wanted === ABSENT) continue;
      const same = state.generation[at] === generation[state.first + i];
      if (had !== ABSENT && (wanted === ABSENT || !same)) this.#remove(i);
      if (wanted === ABSENT) continue;
      if (had === ABSENT || !same) this.#create(i);
      else this.#write(i, wanted === GHOST || had !== wanted);
      state.presence[at] = wanted;
    }
  }

  #create(i: number): void {
    const { state, start, data, generation } = this.#tables;
    const { RigidBodyDesc } = rapier();
    const kind = data.kinds[(data.bodies.kind[state.first + i] as number) - 1] as BodyKind;
    const from = i * SEEN;
    const at = (index: number) => finite(start[from + index] as number);
    const small = kind.radius * 2 < data.world.maxSpeed / 60;
    const body = this.#world.createRigidBody(
      RigidBodyDesc.dynamic()
        .setTranslation(at(0), at(1))
        .setLinvel(at(2), at(3))
        .setRotation(at(4))
        .setAngvel(at(5))
        .setLinearDamping(kind.rigid?.damping ?? 0)
        .setAngularDamping(kind.rigid?.damping ?? 0)
        .setCcdEnabled(small),
    );
    this.#world.createCollider(colliderOf(kind), body);
    state.handle[this.#base + i] = body.handle;
    state.generation[this.#base + i] = generation[state.first + i] as number;
    this.#bodies[i] = body;
    state.seen.set(start.subarray(from, from + SEEN), (this.#base + i) * SEEN);
  }

  #remove(i: number): void {
    const body = this.#bodies[i];
    if (body) this.#world.removeRigidBody(body);
    this.#bodies[i] = undefined;
    const { state } = this.#tables;
    state.presence[this.#base + i] = ABSENT;
    // What is absent has one form only: equal states are equal byte for byte.
    state.generation[this.#base + i] = 0;
    state.handle[this.#base + i] = 0;
    state.seen.fill(0, (this.#base + i) * SEEN, (this.#base + i + 1) * SEEN);
  }

  /** Tells Rapier what rules, circles or (for a ghost: `always`) the owner's world have made of a body. */
  #write(i: number, always: boolean): void {
    const { state, start, data } = this.#tables;
    const from = i * SEEN;
    const last = (this.#base + i) * SEEN;
    const differs = (index: number) => start[from + index] !== state.seen[last + index];
    const moved = always || differs(0) || differs(1);
    const turned = always || differs(4);
    const faster = always || differs(2) || differs(3);
    const spun = always || differs(5);
    if (!moved && !turned && !faster && !spun) return;
    let sane = true;
    const at = (index: number) => {
      const value = start[from + index] as number;
      if (Number.isFinite(value)) return value;
      // What a rule has spoilt is as it was.
      sane = false;
      return finite(state.seen[last + index] as number);
    };
    const body = this.#bodies[i] as RapierBody;
    // A ghost of something that stands still may sleep.
    const wake = !always || Math.abs(at(2)) + Math.abs(at(3)) + Math.abs(at(5)) > STILL;
    if (moved) body.setTranslation({ x: at(0), y: at(1) }, wake);
    if (turned) body.setRotation(at(4), wake);
    if (faster) body.setLinvel({ x: at(2), y: at(3) }, wake);
    if (spun) body.setAngvel(at(5), wake);
    if (!sane) countAnomaly(data, state.first + i, false);
    state.seen.set(start.subarray(from, from + SEEN), last);
  }

  /** From Rapier to `seen` and to the columns. */
  #readBack(): void {
    const { state, data } = this.#tables;
    const { seen, presence, count } = state;
    for (let i = 0; i < count; i++) {
      if (presence[this.#base + i] !== OWN) continue;
      const body = this.#bodies[i] as RapierBody;
      const at = (this.#base + i) * SEEN;
      if (!body.isSleeping()) this.#read(body, at);
      settle(data, state.first + i, seen, at);
    }
  }

  #read(body: RapierBody, at: number): void {
    const { seen } = this.#tables.state;
    const place = body.translation(PLACE);
    seen[at] = place.x;
    seen[at + 1] = place.y;
    const speed = body.linvel(SPEED);
    seen[at + 2] = speed.x;
    seen[at + 3] = speed.y;
    seen[at + 4] = body.rotation();
    seen[at + 5] = body.angvel();
  }

  /** Puts this region's bodies, stepped or not, into their groups for what comes next. */
  #group(): void {
    const { state, data } = this.#tables;
    for (let i = 0; i < state.count; i++) {
      if (state.owner[i] === this.#region + 1) groupRigid(data, state.first + i);
    }
  }
}

/**
 * What Rapier has found, into a row's columns. What is out of bounds is brought back here, and the next step tells
 * Rapier.
 */
function settle(data: KernelData, row: number, seen: Float32Array, at: number): void {
  const { bodies, world } = data;
  const most = world.maxSpeed;
  const kind = bodies.kind[row] as number;
  const x = seen[at] as number;
  const y = seen[at + 1] as number;
  const vx = seen[at + 2] as number;
  const vy = seen[at + 3] as number;
  const fastest = Math.max(Math.abs(vx), Math.abs(vy));
  const sane = fastest < Number.POSITIVE_INFINITY && Number.isFinite(x + y);
  if (!sane || fastest > most * 4) countAnomaly(data, row, sane);
  bodies.x[row] = within(x, 0, world.width);
  bodies.y[row] = within(y, 0, world.height);
  bodies.vx[row] = within(vx, -most, most);
  bodies.vy[row] = within(vy, -most, most);
  (bodies.angle[kind] as Float32Array)[row] = finite(seen[at + 4] as number);
  (bodies.spin[kind] as Float32Array)[row] = finite(seen[at + 5] as number);
}

function countAnomaly(data: KernelData, row: number, sane: boolean): void {
  const { layout, cellOf } = data;
  const cell = Math.max(0, cellOf[row] as number);
  const strip = data.stripOf[Math.floor(cell / layout.lines)] as number;
  const tile = strip * layout.bands + (data.bandOf[cell % layout.lines] as number);
  Atomics.add(sane ? data.overspeed : data.nonFinite, tile, 1);
}

function within(value: number, least: number, most: number): number {
  return value >= most ? most : value >= least ? value : Number.isNaN(value) ? 0 : least;
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}

function emptyWorld({ width, height }: { readonly width: number; readonly height: number }): RapierWorld {
  const { World, ColliderDesc } = rapier();
  const world = new World({ x: 0, y: 0 });
  // Boxes, not half-spaces: those have no bounds, and would be compared with every body in every step.
  const walls = [
    [-WALL, height / 2, WALL, height],
    [width + WALL, height / 2, WALL, height],
    [width / 2, -WALL, width, WALL],
    [width / 2, height + WALL, width, WALL],
  ] as const;
  for (const [x, y, halfWidth, halfHeight] of walls) {
    world.createCollider(ColliderDesc.cuboid(halfWidth, halfHeight).setTranslation(x, y));
  }
  return world;
}

function colliderOf({ rigid, radius }: BodyKind) {
  const { ColliderDesc } = rapier();
  const { corners = [], density = 1, friction = 0.5, restitution = 0 } = rigid ?? {};
  const [x = 0, y = 0] = corners;
  const shape =
    corners.length === 0
      ? ColliderDesc.ball(radius)
      : rigid?.box
        ? ColliderDesc.cuboid(-x, -y)
        : // Convex by the check at start-up: the corners are taken as they are.
          (ColliderDesc.convexPolyline(Float32Array.from(corners)) ?? ColliderDesc.ball(radius));
  return shape.setDensity(density).setFriction(friction).setRestitution(restitution);
}
