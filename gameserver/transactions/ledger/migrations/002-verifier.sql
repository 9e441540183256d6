-- What the verifier knows and what it has found. None of it is part of the books.

-- When the books were last looked at, and how.
CREATE TABLE ledger.verification (
  form     text COLLATE "C" PRIMARY KEY CHECK (form IN ('full', 'incremental')),
  at       timestamptz NOT NULL,
  row_count bigint NOT NULL,
  seconds  float8 NOT NULL,
  findings int NOT NULL
);

-- When everything was last begun to be read, and how often that was cut off since it was read to the end.
CREATE TABLE ledger.full_look (
  one        bool PRIMARY KEY DEFAULT true CHECK (one),
  begun_at   timestamptz NOT NULL,
  unfinished int NOT NULL
);

-- What is wrong, by name. Stays after it was mended, with the time at which it was not seen any more.
CREATE TABLE ledger.finding (
  kind       text COLLATE "C" NOT NULL,
  subject    text COLLATE "C" NOT NULL,
  detail     text NOT NULL,
  first_seen timestamptz NOT NULL DEFAULT now(),
  last_seen  timestamptz NOT NULL DEFAULT now(),
  gone_at    timestamptz,
  PRIMARY KEY (kind, subject)
);
CREATE INDEX ON ledger.finding (kind) WHERE gone_at IS NULL;

-- How far the verifier has read: every PostgreSQL transaction below `xact` is in `wallet_checked`. Unlogged on purpose:
-- a second's worth of it costs no WAL, a crash empties both together, and an empty checkpoint means a full run.
CREATE UNLOGGED TABLE ledger.checkpoint (
  one  bool PRIMARY KEY DEFAULT true CHECK (one),
  xact bigint NOT NULL
);
CREATE UNLOGGED TABLE ledger.wallet_checked (
  account text COLLATE "C" NOT NULL,
  asset   text COLLATE "C" NOT NULL,
  balance numeric NOT NULL,
  PRIMARY KEY (account, asset)
) WITH (fillfactor = 80);

-- Lets the BRIN indexes know of new pages, so that reading on from a checkpoint reads only those behind it. Without
-- it they would wait for a vacuum, after a fifth of the table is new.
CREATE FUNCTION ledger.summarise() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  index regclass; made int := 0;
BEGIN
  FOR index IN
    SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
    JOIN pg_am a ON a.oid = c.relam AND a.amname = 'brin'
    JOIN pg_inherits h ON h.inhrelid = i.indrelid
    WHERE h.inhparent IN ('ledger.transaction'::regclass, 'ledger.transfer'::regclass)
  LOOP
    made := made + brin_summarize_new_values(index);
  END LOOP;
  RETURN made;
END $$;

DO $$
BEGIN
  GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.verification, ledger.full_look, ledger.finding, ledger.checkpoint,
    ledger.wallet_checked TO gamefleet_ledger;
  -- Asked by name: a right on the whole is none on its parts.
  GRANT SELECT ON ledger.transaction_stray, ledger.transfer_stray TO gamefleet_ledger;
  GRANT EXECUTE ON FUNCTION ledger.summarise() TO gamefleet_ledger;
EXCEPTION WHEN undefined_object OR insufficient_privilege THEN
  RAISE NOTICE 'role gamefleet_ledger not granted: %', SQLERRM;
END $$;
