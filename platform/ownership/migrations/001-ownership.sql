-- Who serves which zone. The epoch is the fencing number: it grows by one at each change of owner, and every
-- write to the outside that is made on behalf of a zone names it.
CREATE TABLE server (
  id          text PRIMARY KEY,              -- <namespace>/<name>
  fleet       text NOT NULL,                 -- <namespace>/<name>
  life        text NOT NULL,                 -- the pod's uid: one life of the server
  lease_until timestamptz NOT NULL
);
CREATE INDEX server_fleet ON server (fleet);

CREATE TABLE zone (
  fleet      text NOT NULL,
  id         text NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('fixed', 'on-demand')),
  capacity   integer NOT NULL CHECK (capacity > 0),
  owner      text,                           -- server.id; NULL while nobody serves it
  owner_life text,
  epoch      bigint NOT NULL DEFAULT 0,
  phase      text NOT NULL DEFAULT 'unowned' CHECK (phase IN ('unowned', 'owned', 'moving', 'closing')),
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (fleet, id),
  CHECK ((owner IS NULL) = (owner_life IS NULL)),
  CHECK ((owner IS NULL) = (phase = 'unowned'))
);
CREATE INDEX zone_owner ON zone (owner, owner_life);
