/** From a game's `navigation` to the plan of its grid; what is wrong goes into `faults` by field. */
import type { GameDeclaration } from "../game.ts";
import { MOST_CELLS, type NavigationPlan } from "./nav-grid.ts";

const MOST_BLOCKED = 1_000;

export function navigationPlan(
  { navigation, space, kinds }: GameDeclaration,
  faults: Record<string, string>,
): NavigationPlan | undefined {
  if (!navigation) return undefined;
  const { cell, blocked = [] } = navigation;
  if (!(cell > 0 && Number.isFinite(cell))) {
    faults["navigation.cell"] = "must be a number above 0";
    return undefined;
  }
  const columns = Math.max(1, Math.ceil(space.width / cell));
  const lines = Math.max(1, Math.ceil(space.height / cell));
  if (columns * lines > MOST_CELLS) {
    faults["navigation.cell"] = `must be larger: ${columns} × ${lines} cells, and ${MOST_CELLS} are the most`;
  }
  if (navigation.kinds.length === 0) faults["navigation.kinds"] = "must name at least one kind";
  for (const kind of navigation.kinds) {
    if (!Object.hasOwn(kinds, kind)) faults["navigation.kinds"] = `must not name "${kind}": no such kind`;
  }
  if (blocked.length > MOST_BLOCKED)
    faults["navigation.blocked"] = `must have at most ${MOST_BLOCKED} entries`;
  for (const [index, rectangle] of blocked.entries()) {
    const [, , width, height] = rectangle;
    if (!rectangle.every(Number.isFinite) || !(width > 0 && height > 0)) {
      faults[`navigation.blocked.${index}`] = "must be x, y, and a width and height above 0";
    }
  }
  return { cell, columns, lines, kinds: navigation.kinds, blocked };
}
