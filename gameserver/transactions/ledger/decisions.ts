/** The decisions of a batch: what was decided before is told again, the rest is decided in the order of arrival. */
import type { Client } from "../../../platform/postgres.ts";
import type { Answer, DeclineReason, Final } from "../answer.ts";
import type { Asset } from "../decide.ts";
import type { Entry } from "../entry.ts";
import { textArray } from "./array.ts";
import { LeftAlone } from "./left-alone.ts";
import type { Wallets } from "./wallets.ts";

export interface Known {
  readonly id: string;
  readonly hash: string;
  readonly outcome: "settled" | "declined" | "quarantined";
  readonly reason: DeclineReason | null;
}

/** What was decided before, or set aside, by id. */
export async function lookUp(client: Client, batch: readonly Entry[]): Promise<Map<string, Known>> {
  const { rows } = await client.query<Known>({
    name: "ledger-known",
    // Of an id that stands in both, what the books say counts: it comes last.
    text: `SELECT id, hash, 'quarantined' AS outcome, NULL AS reason FROM ledger.quarantine
      WHERE id = ANY ($1::uuid[]) AND resolved_at IS NULL
      UNION ALL SELECT id, hash, outcome, reason FROM ledger.transaction WHERE id = ANY ($1::uuid[])`,
    values: [textArray(batch.map((entry) => entry.id))],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Decided now, to be written. */
export interface Fresh {
  readonly entry: Entry;
  readonly final: Final;
}

export function decideAll(
  batch: readonly Entry[],
  known: Map<string, Known>,
  { books, taken }: Wallets,
  assets: ReadonlyMap<string, Asset>,
  nowMs: number,
): { readonly answers: (Answer | undefined)[]; readonly fresh: Fresh[] } {
  const fresh: Fresh[] = [];
  const left = new LeftAlone(taken);
  const answers = batch.map((entry): Answer | undefined => {
    const before = known.get(entry.id);
    if (before) return before.hash === entry.hash ? answerOf(before) : { status: "conflict" };
    if (left.claims(entry)) return undefined;
    const final = books.decide(entry, assets, nowMs);
    fresh.push({ entry, final });
    // The same id twice in one batch: the second sees the first.
    known.set(entry.id, {
      id: entry.id,
      hash: entry.hash,
      outcome: final.status,
      reason: final.status === "declined" ? final.reason : null,
    });
    return final;
  });
  return { answers, fresh };
}

function answerOf(known: Known): Answer {
  if (known.outcome === "declined") return { status: "declined", reason: known.reason as DeclineReason };
  return { status: known.outcome };
}
