/** Whom to let go first. */
import type { Member } from "./observed.ts";

/**
 * Orders members from the one that is missed least: given up, not ready, outdated, empty, emptiest, youngest. A
 * server whose players nobody can count goes last: unknown is full.
 */
export function byExpendability(updateRevision: string): (a: Member, b: Member) => number {
  const rank = (member: Member): readonly number[] => [
    member.finished ? 0 : 1,
    member.ready ? 1 : 0,
    member.revision === updateRevision ? 1 : 0,
    member.sessions ?? Number.MAX_SAFE_INTEGER,
    -Date.parse(member.server.metadata.creationTimestamp ?? "1970-01-01T00:00:00Z"),
  ];
  return (a, b) => {
    const [left, right] = [rank(a), rank(b)];
    for (let i = 0; i < left.length; i++) {
      const difference = (left[i] ?? 0) - (right[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return a.server.metadata.name < b.server.metadata.name ? -1 : 1;
  };
}
