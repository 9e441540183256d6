/** For tests: a grid drawn in text, and seekers on it. */
import { NavGrid, type NavigationPlan } from "./nav-grid.ts";
import { Navigation } from "./navigation.ts";
import { layOutNavigation, type NavigationState, type Take } from "./navigation-state.ts";

const ARRAYS = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array } as const;
const plain = ((type: keyof typeof ARRAYS, count: number) => new ARRAYS[type](count)) as Take;

export interface Ground {
  readonly plan: NavigationPlan;
  readonly state: NavigationState;
  readonly grid: NavGrid;
  readonly navigation: Navigation;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly kind: Uint8Array;
  readonly generation: Uint16Array;
}

/** Cells of one unit, `#` for blocked, lines from y = 0 on; seekers in rows 0 … `seekers` − 1, at 0.5/0.5. */
export function ground(lines: readonly string[], seekers = 1): Ground {
  const columns = lines[0]?.length ?? 0;
  const blocked = lines.flatMap((line, y) =>
    line.split("").flatMap((sign, x) => (sign === "#" ? [[x, y, 1, 1] as const] : [])),
  );
  const plan: NavigationPlan = { cell: 1, columns, lines: lines.length, kinds: ["npc"], blocked };
  const state = layOutNavigation(columns * lines.length, { first: 0, count: seekers }, plain);
  const made = over(plan, state, seekers);
  made.navigation.open();
  return made;
}

/** The same ground in the same state, in memory of its own. */
export function copyOf(from: Ground): Ground {
  const state = structuredClone(from.state);
  const copy = over(from.plan, state, from.kind.length);
  for (const name of ["x", "y", "kind", "generation"] as const) copy[name].set(from[name]);
  return copy;
}

function over(plan: NavigationPlan, state: NavigationState, seekers: number): Ground {
  const x = new Float32Array(seekers).fill(0.5);
  const y = new Float32Array(seekers).fill(0.5);
  const kind = new Uint8Array(seekers).fill(1);
  const generation = new Uint16Array(seekers).fill(1);
  const navigation = new Navigation(plan, state, { kind, generation, columns: [x, y] });
  return { plan, state, grid: new NavGrid(plan, state.obstacles), navigation, x, y, kind, generation };
}

/** A field of one sign. */
export function field(columns: number, lines: number, sign: "." | "#" = "."): string[] {
  return Array.from({ length: lines }, () => sign.repeat(columns));
}

/** Walls across the whole width with one gap each, left and right in turn: the longest way there is. */
export function serpentine(columns: number, lines: number): string[] {
  return Array.from({ length: lines }, (_, y) => {
    if (y % 2 === 0) return ".".repeat(columns);
    const wall = "#".repeat(columns - 1);
    return y % 4 === 1 ? `${wall}.` : `.${wall}`;
  });
}
