/**
 * The chain of stages that decides how long something takes: of all ways from the first stage to the last along the
 * edges, the slowest. Shortening anything that is not on it helps nobody.
 */
export interface StageGraph {
  /** By stage: what it takes, waiting included. */
  readonly seconds: ReadonlyMap<string, number>;
  /** From a stage to one that cannot begin before it has ended. */
  readonly edges: readonly (readonly [string, string])[];
}

export interface CriticalPath {
  readonly stages: readonly { readonly name: string; readonly seconds: number }[];
  readonly seconds: number;
}

/** The slowest way, or undefined when there is none. Edges that would lead back into the way taken are not followed. */
export function criticalPath(graph: StageGraph, from: string, to: string): CriticalPath | undefined {
  const onWay = new Set<string>();
  const known = new Map<string, CriticalPath | undefined>();
  const slowest = (stage: string): CriticalPath | undefined => {
    if (known.has(stage)) return known.get(stage);
    const own = { name: stage, seconds: graph.seconds.get(stage) ?? 0 };
    if (stage === to) return { stages: [own], seconds: own.seconds };
    onWay.add(stage);
    let best: CriticalPath | undefined;
    for (const [before, after] of graph.edges) {
      if (before !== stage || onWay.has(after)) continue;
      const rest = slowest(after);
      if (rest && (!best || rest.seconds > best.seconds)) best = rest;
    }
    onWay.delete(stage);
    const way = best && { stages: [own, ...best.stages], seconds: own.seconds + best.seconds };
    known.set(stage, way);
    return way;
  };
  return slowest(from);
}
