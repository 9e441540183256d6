/**
 * The stores of the transactions bench and the purchase that all sides make: dedupe row, debit with floor, two ledger
 * rows, item. The peers get it as one function on the server, the fastest way there is to give it to them.
 */
import pg from "pg";
import { LEDGER_MIGRATIONS } from "../../../gameserver/transactions/ledger/migrations.ts";
import { silentLog } from "../../../platform/log.ts";
import { migrate } from "../../../platform/postgres.ts";
import { startPostgres, startRedis } from "../../stores/stores.ts";

export const WALLETS = 100_000;
/** Enough for any run: nobody is declined. */
const RICHES = 1_000_000_000;

const SCHEMA = `
CREATE SCHEMA bench;
CREATE TABLE bench.purchase (id uuid PRIMARY KEY, player text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE bench.wallet (player text PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0)) WITH (fillfactor = 80);
CREATE TABLE bench.ledger (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, purchase uuid NOT NULL,
  account text NOT NULL, delta bigint NOT NULL);
CREATE TABLE bench.item (purchase uuid PRIMARY KEY, player text NOT NULL, item text NOT NULL);
CREATE TABLE bench.tick (id int PRIMARY KEY, n bigint NOT NULL);
CREATE FUNCTION bench.buy(_id uuid, _player text, _price bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO bench.purchase (id, player) VALUES (_id, _player) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN 'again'; END IF;
  UPDATE bench.wallet SET balance = balance - _price WHERE player = _player AND balance >= _price;
  IF NOT FOUND THEN RAISE EXCEPTION 'insufficient funds'; END IF;
  INSERT INTO bench.ledger (purchase, account, delta) VALUES (_id, _player, -_price), (_id, 'sink', _price);
  INSERT INTO bench.item VALUES (_id, _player, 'hull-plate');
  RETURN 'done';
END $$;
INSERT INTO bench.wallet SELECT 'p' || n, ${RICHES} FROM generate_series(0, ${WALLETS - 1}) n;
INSERT INTO bench.tick SELECT n, 0 FROM generate_series(1, 64) n;
`;
const OURS = `
INSERT INTO ledger.asset VALUES ('credits', 'currency', NULL), ('hull-plate', 'item', NULL);
INSERT INTO ledger.wallet (account, asset, balance)
  SELECT 'player:p' || n, 'credits', ${RICHES} FROM generate_series(0, ${WALLETS - 1}) n;
INSERT INTO ledger.wallet (account, asset, balance)
  SELECT 'player:p' || n, 'hull-plate', 0 FROM generate_series(0, ${WALLETS - 1}) n;
VACUUM ANALYZE bench.wallet;
VACUUM ANALYZE ledger.wallet;
`;

export interface World {
  readonly redisUrl: string;
  readonly databaseUrl: string;
  stop(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  await migrate(postgres.url, LEDGER_MIGRATIONS, "ledger", silentLog());
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(SCHEMA);
  for (const statement of OURS.split(";\n").filter((text) => text.trim() !== ""))
    await client.query(statement);
  await client.end();
  return {
    redisUrl: redis.url,
    databaseUrl: postgres.url,
    stop: async () => void (await Promise.all([redis.stop(), postgres.stop()])),
  };
}
