/** What players have subscribed to, as the stores last told. Belongs to whoever showed its receipt first. */
import { type Pool, query } from "../../../platform/postgres.ts";
import type { SubscriptionNews, SubscriptionState } from "./port.ts";

/** Notes what a store says, unless it said something newer before; answers whose it is, if anybody's. */
export async function noteSubscription(
  pool: Pool,
  store: string,
  { subscription, product, state, expiresAt, asOf }: SubscriptionNews,
  player?: string,
): Promise<string | undefined> {
  const [row] = await query<{ player: string | null }>(
    pool,
    `INSERT INTO ledger.subscription AS s (store, subscription, product, player, state, expires_at, as_of)
     VALUES ($1, $2, $3, $4, $5, to_timestamp($6::float8 / 1000), to_timestamp($7::float8 / 1000))
     ON CONFLICT (store, subscription) DO UPDATE SET player = coalesce(s.player, excluded.player),
       product = CASE WHEN excluded.as_of < s.as_of THEN s.product ELSE excluded.product END,
       state = CASE WHEN excluded.as_of < s.as_of THEN s.state ELSE excluded.state END,
       expires_at = CASE WHEN excluded.as_of < s.as_of THEN s.expires_at ELSE excluded.expires_at END,
       as_of = greatest(s.as_of, excluded.as_of)
     RETURNING player`,
    [store, subscription, product, player ?? null, state, expiresAt ?? null, asOf],
  );
  return row?.player ?? undefined;
}

export interface HeldSubscription {
  readonly store: string;
  readonly subscription: string;
  readonly product: string;
  readonly state: SubscriptionState;
  /** RFC 3339. */
  readonly expiresAt: string | undefined;
}

/** What has run out is expired, whether the store's word has come or not. */
export async function subscriptionsOf(pool: Pool, player: string): Promise<HeldSubscription[]> {
  const rows = await query<Omit<HeldSubscription, "expiresAt"> & { expires_at: Date | null }>(
    pool,
    `SELECT store, subscription, product, expires_at,
       CASE WHEN state IN ('active', 'grace') AND expires_at <= now() THEN 'expired' ELSE state END AS state
     FROM ledger.subscription WHERE player = $1 ORDER BY store, subscription`,
    [player],
  );
  return rows.map(({ expires_at, ...row }) => ({ ...row, expiresAt: expires_at?.toISOString() }));
}
