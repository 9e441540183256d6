-- What a purchase needs to be granted and acknowledged by any pod, and what players have subscribed to.

-- A row stands for the whole obligation: once it is written, the purchase is granted and the store told, whoever dies.
ALTER TABLE ledger.store_outbox
  ADD player  text COLLATE "C" NOT NULL DEFAULT '',
  ADD product text COLLATE "C" NOT NULL DEFAULT '',
  -- What the store is asked by: the token itself, or the purchase token that a period belongs to.
  ADD proof   text NOT NULL DEFAULT '',
  DROP CONSTRAINT store_outbox_outcome_check,
  ADD CONSTRAINT store_outbox_outcome_check
    CHECK (outcome IN ('acknowledged', 'declined', 'expired', 'refused'));

-- Subscriptions as the stores last told. What has run out is expired whether somebody said so or not: who reads looks at
-- expires_at too. The player is known from the first receipt on.
CREATE TABLE ledger.subscription (
  store        text COLLATE "C" NOT NULL,
  subscription text COLLATE "C" NOT NULL,
  product      text COLLATE "C" NOT NULL,
  player       text COLLATE "C",
  state        text COLLATE "C" NOT NULL CHECK (state IN ('active', 'grace', 'on-hold', 'expired', 'revoked')),
  expires_at   timestamptz,
  -- When the store said so: older news never undo newer ones.
  as_of        timestamptz NOT NULL,
  PRIMARY KEY (store, subscription)
);
CREATE INDEX ON ledger.subscription (player) WHERE player IS NOT NULL;

-- How far the report of a store that sends nothing by itself was read, and when it is read again.
CREATE TABLE ledger.store_report (
  store   text COLLATE "C" PRIMARY KEY,
  read_to timestamptz NOT NULL,
  due_at  timestamptz NOT NULL DEFAULT now()
);

DO $$
BEGIN
  GRANT SELECT, INSERT, UPDATE ON ledger.subscription, ledger.store_report TO gamefleet_ledger;
EXCEPTION WHEN undefined_object OR insufficient_privilege THEN
  RAISE NOTICE 'role gamefleet_ledger not granted: %', SQLERRM;
END $$;
