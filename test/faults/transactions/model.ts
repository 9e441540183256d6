/**
 * The ledger as a page of arithmetic: what each account holds, and what each id was told. Knows nothing of journals,
 * batches, locks or stores; the real one must give the same answers whatever happens to those.
 */
import type { Answer } from "../../../gameserver/transactions/answer.ts";
import type { Entry } from "../../../gameserver/transactions/entry.ts";

/** Most of an item that one player may hold. */
export type Ceilings = Readonly<Record<string, number>>;

export class Model {
  /** Every entry that was decided, in order. */
  readonly entries: Entry[] = [];
  readonly #held = new Map<string, number>();
  readonly #told = new Map<string, { readonly what: string; readonly answer: Answer }>();
  readonly #ceilings: Ceilings;

  constructor(
    ceilings: Ceilings,
    held: readonly (readonly [account: string, asset: string, amount: number])[],
  ) {
    this.#ceilings = ceilings;
    for (const [account, asset, amount] of held) this.#held.set(`${account}\n${asset}`, amount);
  }

  holds(account: string, asset: string): number {
    return this.#held.get(`${account}\n${asset}`) ?? 0;
  }

  answerOf(id: string): Answer | undefined {
    return this.#told.get(id)?.answer;
  }

  /** What the entry must be answered, and from now on whoever asks with its id. */
  decide(entry: Entry): Answer {
    const { id, kind, player, counterparty, transfers } = entry;
    const what = JSON.stringify([kind, player, counterparty, transfers]);
    const before = this.#told.get(id);
    if (before) return before.what === what ? before.answer : { status: "conflict" };
    const answer = this.#carryOut(entry);
    this.#told.set(id, { what, answer });
    this.entries.push(entry);
    return answer;
  }

  #carryOut({ transfers, validUntil }: Entry): Answer {
    // Tests ask for what is long gone or has a minute left, nothing between.
    if (validUntil !== undefined && validUntil < Date.now()) return { status: "declined", reason: "expired" };
    const after = new Map<string, number>();
    for (const { from, to, asset, amount } of transfers) {
      for (const [account, gain] of [
        [from, -amount],
        [to, amount],
      ] as const) {
        const key = `${account}\n${asset}`;
        if (account.startsWith("house:")) continue;
        after.set(key, (after.get(key) ?? this.#held.get(key) ?? 0) + gain);
      }
    }
    for (const [key, amount] of after) {
      const [account = "", asset = ""] = key.split("\n");
      if (amount < 0) {
        if (account.startsWith("stock:")) return { status: "declined", reason: "sold-out" };
        return {
          status: "declined",
          reason: asset === "credits" ? "insufficient-funds" : "insufficient-goods",
        };
      }
      const grew = amount > (this.#held.get(key) ?? 0);
      if (
        grew &&
        account.startsWith("player:") &&
        amount > (this.#ceilings[asset] ?? Number.POSITIVE_INFINITY)
      )
        return { status: "declined", reason: "limit" };
    }
    for (const [key, amount] of after) this.#held.set(key, amount);
    return { status: "settled" };
  }
}
