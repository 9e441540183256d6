/**
 * Behaviour trees for hot NPCs, compiled to flat arrays: no objects are walked and none are made while thinking.
 *
 * A tree is tests and acts, joined by `first` (the first branch that succeeds; a selector) and `all` (one after
 * another until one fails; a sequence). Nothing is remembered from one thought to the next: what a behaviour must
 * remember is a column. An act succeeds unless it returns false. ~10 ns a step.
 *
 * Compiled, a tree is a table of steps, each with the step to go to on success and on failure; all go forward, so a
 * thought always ends, after at most as many steps as the tree has leaves.
 */
import { fail } from "../../platform/errors.ts";

/** One tree of this shape; names and comments belong to the functions. */
export type Behaviour<Z, E> =
  | { readonly if: (zone: Z, entity: E) => boolean }
  | { readonly do: (zone: Z, entity: E, seconds: number) => boolean | void }
  | { readonly not: Behaviour<Z, E> }
  | { readonly first: readonly Behaviour<Z, E>[] }
  | { readonly all: readonly Behaviour<Z, E>[] };

type Step<Z, E> = (zone: Z, entity: E, seconds: number) => boolean | void;

const SUCCESS = -1;
const FAILURE = -2;
const MOST_LEAVES = 1_000;
const MOST_DEPTH = 64;

interface Table<Z, E> {
  readonly steps: Step<Z, E>[];
  readonly onSuccess: number[];
  readonly onFailure: number[];
}

/**
 * Compiles a tree; the result thinks once and answers whether the tree succeeded. Throws `GAME_INVALID` for a tree
 * that is empty, too deep or too large, naming the place.
 *
 * ```ts
 * think: behaviour<MyZone, MyEntity>({ first: [{ all: [{ if: seesPrey }, { do: chase }] }, { do: patrol }] })
 * ```
 */
export function behaviour<Z, E>(tree: Behaviour<Z, E>): (zone: Z, entity: E, seconds: number) => boolean {
  check(tree, "behaviour", 0);
  const leaves = countLeaves(tree);
  if (leaves > MOST_LEAVES) throw fail("GAME_INVALID", `behaviour: ${leaves} leaves, at most ${MOST_LEAVES}`);
  const table: Table<Z, E> = { steps: [], onSuccess: [], onFailure: [] };
  compile(tree, SUCCESS, FAILURE, table);
  return runner(table);
}

function runner<Z, E>({ steps, onSuccess, onFailure }: Table<Z, E>) {
  const toSuccess = Int16Array.from(onSuccess);
  const toFailure = Int16Array.from(onFailure);
  return (zone: Z, entity: E, seconds: number): boolean => {
    let at = 0;
    while (at >= 0) {
      const succeeded = (steps[at] as Step<Z, E>)(zone, entity, seconds) !== false;
      at = (succeeded ? toSuccess[at] : toFailure[at]) as number;
    }
    return at === SUCCESS;
  };
}

/** Appends the tree's leaves in order; the first of them is where the tree begins. */
function compile<Z, E>(tree: Behaviour<Z, E>, success: number, failure: number, table: Table<Z, E>): void {
  if ("not" in tree) return compile(tree.not, failure, success, table);
  if ("first" in tree || "all" in tree) {
    const children = "first" in tree ? tree.first : tree.all;
    for (const [index, child] of children.entries()) {
      const next = table.steps.length + countLeaves(child);
      const last = index === children.length - 1;
      if ("first" in tree) compile(child, success, last ? failure : next, table);
      else compile(child, last ? success : next, failure, table);
    }
    return;
  }
  table.steps.push("if" in tree ? tree.if : tree.do);
  table.onSuccess.push(success);
  table.onFailure.push(failure);
}

function countLeaves<Z, E>(tree: Behaviour<Z, E>): number {
  if ("not" in tree) return countLeaves(tree.not);
  if ("first" in tree) return tree.first.reduce((sum, child) => sum + countLeaves(child), 0);
  if ("all" in tree) return tree.all.reduce((sum, child) => sum + countLeaves(child), 0);
  return 1;
}

/** Also ends where a tree contains itself. */
function check<Z, E>(tree: Behaviour<Z, E>, path: string, depth: number): void {
  if (depth > MOST_DEPTH) {
    throw fail("GAME_INVALID", `behaviour: deeper than ${MOST_DEPTH}; a tree must not contain itself`);
  }
  if ("not" in tree) return check(tree.not, `${path}.not`, depth + 1);
  if (!("first" in tree || "all" in tree)) return;
  const [name, children] = "first" in tree ? (["first", tree.first] as const) : (["all", tree.all] as const);
  if (children.length === 0) throw fail("GAME_INVALID", `${path}.${name} must have at least one branch`);
  for (const [index, child] of children.entries()) check(child, `${path}.${name}.${index}`, depth + 1);
}
