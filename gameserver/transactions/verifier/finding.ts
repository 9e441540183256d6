/** What the verifier can find. Each finding names its row, and says in `detail` what is there and what should be. */

export const FINDING_KINDS = {
  "wallet-differs":
    "A balance is not the sum of the wallet's transfers: one was lost, doubled, or the balance changed",
  "wallet-negative": "A balance is below zero",
  "wallet-of-house": "A house account has a wallet",
  "transfer-without-transaction": "Lines stand in the books without their transaction",
  "transfer-of-declined": "Lines stand in the books under a transaction that was declined",
  "transaction-without-transfers": "A transaction was settled and nothing was moved",
  "transaction-changed": "A transaction and its lines are not what was accepted: their hash differs",
  "settled-after-fence": "A transaction was settled under a journal after it was taken over",
  "stream-unknown": "A transaction names a journal that never was",
  "retried-without-row": "A quarantined transaction was sent to be retried and never decided",
  "quarantined-and-decided": "A transaction is decided and still set aside",
  "row-astray": "A row lies outside the partitions of its month",
  "row-ahead":
    "A row claims a later PostgreSQL transaction than there has been: restored from a logical dump?",
  "journal-entry-stuck": "An entry of the journal is old and neither decided nor set aside",
  "journal-entry-lost": "An entry was removed from the journal and is neither decided nor set aside",
  "journal-entry-unreadable":
    "An entry of the journal cannot be read: cut off, changed, or of a later version",
} as const;

export type FindingKind = keyof typeof FINDING_KINDS;

export interface Finding {
  readonly kind: FindingKind;
  /** Names the row: an id, `<account> <asset>`, or `<journal>/<ref>`. */
  readonly subject: string;
  readonly detail: string;
}

/** Most findings of one check of one run: enough to see what happened, whatever happened. */
export const MAX_FINDINGS = 1_000;
