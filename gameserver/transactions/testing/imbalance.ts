/**
 * The books as an accountant would check them by hand, independent of the verifier: a query with a row `what` for each
 * thing that is wrong, and none when they balance.
 */
export const IMBALANCE = `WITH moved AS (
   SELECT account, asset, sum(delta) AS total FROM (
     SELECT target AS account, asset, amount AS delta FROM ledger.transfer
     UNION ALL SELECT source, asset, -amount FROM ledger.transfer) AS both_sides
   WHERE account NOT LIKE 'house:%' GROUP BY account, asset)
 SELECT coalesce(w.account, m.account) || ' has ' || coalesce(w.balance, 0) || ' ' || coalesce(w.asset, m.asset)
   || ', its transfers say ' || coalesce(m.total, 0) AS what
 FROM ledger.wallet w FULL JOIN moved m USING (account, asset)
 WHERE coalesce(w.balance, 0) <> coalesce(m.total, 0)
 UNION ALL
 SELECT 'transfer without a settled transaction: ' || f.transaction FROM ledger.transfer f
 LEFT JOIN ledger.transaction t ON t.id = f.transaction AND t.outcome = 'settled' WHERE t.id IS NULL
 UNION ALL
 SELECT 'settled transaction without transfers: ' || t.id FROM ledger.transaction t
 LEFT JOIN ledger.transfer f ON f.transaction = t.id WHERE t.outcome = 'settled' AND f.transaction IS NULL`;
