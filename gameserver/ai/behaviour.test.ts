import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasCode } from "../../platform/errors.ts";
import { type Behaviour, behaviour } from "./behaviour.ts";

type Tree = Behaviour<string[], number>;

const leaf = fc.tuple(fc.nat(99), fc.boolean(), fc.boolean()).map(([name, answer, act]): Tree => {
  const step = (log: string[], entity: number) => {
    log.push(`${name} of ${entity}`);
    return answer;
  };
  return act ? { do: (log, entity) => (step(log, entity) ? undefined : false) } : { if: step };
});
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "medium" },
    leaf,
    tie("tree").map((not): Tree => ({ not })),
    fc.array(tie("tree"), { minLength: 1, maxLength: 4 }).map((first): Tree => ({ first })),
    fc.array(tie("tree"), { minLength: 1, maxLength: 4 }).map((all): Tree => ({ all })),
  ),
}));

/** What the tree means, straight from the words. */
function walk(node: Tree, log: string[]): boolean {
  if ("if" in node) return node.if(log, 7);
  if ("do" in node) return node.do(log, 7, 0) !== false;
  if ("not" in node) return !walk(node.not, log);
  return "first" in node
    ? node.first.some((child) => walk(child, log))
    : node.all.every((child) => walk(child, log));
}

const refusal = (given: Tree) => {
  try {
    behaviour(given);
  } catch (error) {
    if (hasCode(error, "GAME_INVALID")) return error.message;
    throw error;
  }
  return "";
};

describe("a behaviour", () => {
  it("does what its tree says: the same steps in the same order, the same end", () => {
    fc.assert(
      fc.property(tree, (given) => {
        const expected: string[] = [];
        const log: string[] = [];
        const succeeded = walk(given, expected);
        expect(behaviour(given)(log, 7, 0)).toBe(succeeded);
        expect(log).toEqual(expected);
      }),
    );
  });

  it("hands acts the time since the last thought", () => {
    const told: number[] = [];
    behaviour<null, number>({ all: [{ do: (_zone, _entity, seconds) => void told.push(seconds) }] })(
      null,
      0,
      0.25,
    );
    expect(told).toEqual([0.25]);
  });

  it("is refused when a branch is empty, the tree contains itself, or it is huge", () => {
    expect(refusal({ first: [{ if: () => true }, { not: { all: [] } }] })).toContain("first.1.not.all");
    const loop: { all: Tree[] } = { all: [] };
    loop.all.push(loop);
    expect(refusal(loop)).toContain("contain itself");
    expect(refusal({ all: Array.from({ length: 1_001 }, () => ({ if: () => true })) })).toContain("1001");
  });
});
