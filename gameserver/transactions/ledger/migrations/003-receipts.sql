-- What stores tell us, and what we owe them.

-- Events of stores as they came, by the store's own id: a repeat finds the row. Kept whole: what a kind means may be
-- learned later.
CREATE TABLE ledger.store_event (
  store        text COLLATE "C" NOT NULL,
  event        text COLLATE "C" NOT NULL,
  kind         text NOT NULL,
  body         text NOT NULL,
  received_at  timestamptz NOT NULL DEFAULT now(),
  -- Null while it waits. A kind that nobody knows is done with the outcome "unknown".
  processed_at timestamptz,
  outcome      text CHECK ((outcome IS NULL) = (processed_at IS NULL)),
  attempts     int NOT NULL DEFAULT 0,
  retry_at     timestamptz NOT NULL DEFAULT now(),
  error        text,
  PRIMARY KEY (store, event)
);
CREATE INDEX ON ledger.store_event (retry_at) WHERE processed_at IS NULL;

-- Acknowledgements that a store waits for. Written before the transaction is submitted and sent only once its row is
-- in the books: so none is owed in vain or forgotten, wherever a pod dies, and the settle has nothing more to write.
CREATE TABLE ledger.store_outbox (
  transaction  uuid PRIMARY KEY,
  store        text COLLATE "C" NOT NULL,
  token        text NOT NULL,
  since        timestamptz NOT NULL DEFAULT now(),
  attempts     int NOT NULL DEFAULT 0,
  retry_at     timestamptz NOT NULL DEFAULT now(),
  error        text,
  done_at      timestamptz,
  outcome      text CHECK (outcome IN ('acknowledged', 'declined', 'expired'))
    CHECK ((outcome IS NULL) = (done_at IS NULL))
);
CREATE INDEX ON ledger.store_outbox (retry_at) WHERE done_at IS NULL;

DO $$
BEGIN
  GRANT SELECT, INSERT, UPDATE ON ledger.store_event, ledger.store_outbox TO gamefleet_ledger;
EXCEPTION WHEN undefined_object OR insufficient_privilege THEN
  RAISE NOTICE 'role gamefleet_ledger not granted: %', SQLERRM;
END $$;
