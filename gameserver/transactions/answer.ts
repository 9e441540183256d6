/** What a caller is told. The same id always gets the same final answer, for as long as the ledger lives. */

/** Why the books said no: final for this id. */
export type DeclineReason =
  | "insufficient-funds"
  | "insufficient-goods"
  | "sold-out"
  | "limit"
  | "expired"
  | "unknown-item"
  | "abandoned";

/** Why nothing was promised: the same request may be made again. */
export type RefusalReason = "overloaded" | "stores-away" | "journal-full" | "stopping";

export type Final =
  | { readonly status: "settled" }
  | { readonly status: "declined"; readonly reason: DeclineReason };

export type Answer =
  | Final
  /** Accepted and durable, not carried out yet: ask again by id. */
  | { readonly status: "pending" }
  /** Cannot be carried out for a reason that is a mistake: an operator decides. */
  | { readonly status: "quarantined" }
  /** The id was used with other parameters. */
  | { readonly status: "conflict" }
  /** Nothing is promised. */
  | { readonly status: "refused"; readonly reason: RefusalReason; readonly retryAfterMs: number };
