-- The books. Append-only: what is written is never changed, corrections are new transactions.
CREATE SCHEMA ledger;

-- What there is: currencies and items. A ceiling bounds what one player may hold.
CREATE TABLE ledger.asset (
  asset   text COLLATE "C" PRIMARY KEY CHECK (length(asset) BETWEEN 1 AND 64),
  kind    text NOT NULL CHECK (kind IN ('currency', 'item')),
  ceiling bigint CHECK (ceiling > 0)
);

-- Every transaction that was decided, declined ones too, so that a retry gets the same answer. The primary key is what
-- makes a purchase happen once; everything else only saves work.
CREATE TABLE ledger.transaction (
  id           uuid NOT NULL,
  kind         text COLLATE "C" NOT NULL,
  player       text COLLATE "C" NOT NULL,
  counterparty text COLLATE "C",
  hash         text COLLATE "C" NOT NULL,
  outcome      text COLLATE "C" NOT NULL CHECK (outcome IN ('settled', 'declined')),
  reason       text COLLATE "C" CHECK ((reason IS NULL) = (outcome = 'settled')),
  accepted_at  timestamptz NOT NULL,
  settled_at   timestamptz NOT NULL DEFAULT now(),
  stream       bigint NOT NULL,
  trace        text COLLATE "C" NOT NULL,
  -- The PostgreSQL transaction that wrote it: what the verifier reads on from (commit order, unlike any sequence).
  xact         bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX ON ledger.transaction (player, id);
CREATE INDEX ON ledger.transaction (counterparty, id) WHERE counterparty IS NOT NULL;
CREATE INDEX ON ledger.transaction USING brin (xact);

-- Double entry in one row: what one account loses another gains.
CREATE TABLE ledger.transfer (
  transaction uuid NOT NULL,
  line        smallint NOT NULL,
  source      text COLLATE "C" NOT NULL,
  target      text COLLATE "C" NOT NULL CHECK (target <> source),
  asset       text COLLATE "C" NOT NULL,
  amount      bigint NOT NULL CHECK (amount > 0),
  xact        bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
  PRIMARY KEY (transaction, line)
) PARTITION BY RANGE (transaction);
CREATE INDEX ON ledger.transfer USING brin (xact);

-- Balances of players and stocks: derived from the transfers, kept for the floor and for speed.
CREATE TABLE ledger.wallet (
  account text COLLATE "C" NOT NULL,
  asset   text COLLATE "C" NOT NULL,
  balance bigint NOT NULL DEFAULT 0 CHECK (balance >= 0),
  version bigint NOT NULL DEFAULT 0,
  -- Whose row it is: where a row was seen another one may stand later, in the same version.
  number  bigint GENERATED ALWAYS AS IDENTITY,
  -- Spaces that a wallet gives up when it is first changed: room in its page for versions to come. A lower fillfactor
  -- gives none: PostgreSQL cleans a page up whenever it is fuller than that, and inserts fill it to just there, so that
  -- every change would be followed by a clean-up. It was a seventh of what a purchase costs PostgreSQL.
  room    text DEFAULT repeat(' ', 32),
  PRIMARY KEY (account, asset)
) WITH (fillfactor = 90);

-- The journals there have been: one per life of a pod. A closed one belongs to whoever took it over, and its old owner
-- can settle nothing any more.
CREATE TABLE ledger.stream (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  server    text NOT NULL,
  life      text NOT NULL,
  opened_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  closed_by text
);

-- What every batch begins with: waits for whoever is closing the stream, then tells whether it is open, and the time. A
-- function, so that sessions keep its plans; volatile, so that the look sees what was committed while the lock was waited for.
CREATE FUNCTION ledger.hold_stream(key int, stream int, OUT open bool, OUT now float8) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(key, stream);
  SELECT s.closed_at IS NULL INTO open FROM ledger.stream s WHERE s.id = hold_stream.stream;
  now := extract(epoch FROM clock_timestamp()) * 1000;
END $$;

-- Transactions that failed for a reason that is a mistake: an operator retries or abandons them.
CREATE TABLE ledger.quarantine (
  id          uuid PRIMARY KEY,
  entry       text NOT NULL,
  hash        text COLLATE "C" NOT NULL,
  error       text NOT NULL,
  attempts    int NOT NULL,
  since       timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz,
  resolution  text CHECK (resolution IN ('retried', 'abandoned'))
);

-- A month of ids: UUIDv7 begins with 48 bits of Unix milliseconds, so a range of ids is a range of time.
CREATE FUNCTION ledger.first_id(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Makes the partitions of the months from the one before `around` to `ahead` months after it. Safe to repeat.
-- Pods may call it although they may not make tables.
CREATE FUNCTION ledger.ensure_partitions(around timestamptz, ahead int) RETURNS int LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  month timestamptz; made int := 0; base text; name text;
BEGIN
  PERFORM pg_advisory_xact_lock(1735289196);
  FOR i IN -1 .. ahead LOOP
    month := date_trunc('month', around AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(months => i);
    FOREACH base IN ARRAY ARRAY['transaction', 'transfer'] LOOP
      name := base || '_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
      IF to_regclass('ledger.' || name) IS NULL THEN
        EXECUTE format('CREATE TABLE ledger.%I PARTITION OF ledger.%I FOR VALUES FROM (%L) TO (%L)', name, base,
          ledger.first_id(month), ledger.first_id(month + interval '1 month'));
        made := made + 1;
      END IF;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;

-- Ids derived from natural keys begin with ff. What fits nowhere else (a clock far off) goes to the last.
CREATE TABLE ledger.transaction_derived PARTITION OF ledger.transaction
  FOR VALUES FROM ('ff000000-0000-0000-0000-000000000000') TO (MAXVALUE);
CREATE TABLE ledger.transfer_derived PARTITION OF ledger.transfer
  FOR VALUES FROM ('ff000000-0000-0000-0000-000000000000') TO (MAXVALUE);
CREATE TABLE ledger.transaction_stray PARTITION OF ledger.transaction DEFAULT;
CREATE TABLE ledger.transfer_stray PARTITION OF ledger.transfer DEFAULT;
SELECT ledger.ensure_partitions(now(), 3);

-- Whoever asks: what is written stays written. Statement triggers cost an insert nothing.
CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'ledger.% is append-only: correct by a new transaction', TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.transaction
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.transfer
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- The role that pods act as (SET ROLE): it can add to the books and never change them. Where the migrating user may not
-- make roles, the triggers above stand alone and the start-up check says so.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gamefleet_ledger') THEN
    CREATE ROLE gamefleet_ledger NOLOGIN;
  END IF;
  EXECUTE format('GRANT gamefleet_ledger TO %I', current_user);
  GRANT USAGE ON SCHEMA ledger TO gamefleet_ledger;
  GRANT SELECT, INSERT ON ledger.transaction, ledger.transfer TO gamefleet_ledger;
  GRANT SELECT, INSERT, UPDATE ON ledger.wallet, ledger.stream, ledger.quarantine, ledger.asset TO gamefleet_ledger;
EXCEPTION WHEN insufficient_privilege OR duplicate_object THEN
  RAISE NOTICE 'role gamefleet_ledger not made: %', SQLERRM;
END $$;
