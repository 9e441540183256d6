/** What was found is kept in PostgreSQL: for alarms, for whoever comes next, and for the page that an operator reads. */
import type { Client } from "../../../platform/postgres.ts";
import { FINDING_KINDS, type Finding, type FindingKind } from "./finding.ts";
import type { FullLooks } from "./pace.ts";
import type { Form, Look } from "./verify.ts";

const kindsLike = (test: (kind: FindingKind) => boolean) =>
  (Object.keys(FINDING_KINDS) as FindingKind[]).filter(test);
const ofJournal = (kind: FindingKind) => kind.startsWith("journal-");
/** Questions that an incremental look answers as wholly as a full one. */
const ASKED_ALWAYS = new Set<FindingKind>(["quarantined-and-decided", "retried-without-row", "row-astray"]);

/** Kinds of which a look knows that there are no others than it found. */
const CERTAIN: Readonly<Record<Form | "journal", readonly FindingKind[]>> = {
  full: kindsLike((kind) => !ofJournal(kind)),
  incremental: kindsLike((kind) => ASKED_ALWAYS.has(kind)),
  journal: kindsLike(ofJournal),
};

/** Keeps what was found; what was there and is not any more is marked as gone. Answers what is new. */
export async function record(
  client: Client,
  by: Form | "journal",
  findings: readonly Finding[],
): Promise<Finding[]> {
  const { rows } = await client.query<Finding & { fresh: boolean }>(
    `WITH found AS (
       SELECT DISTINCT ON (kind, subject) * FROM unnest($1::text[], $2::text[], $3::text[]) AS f (kind, subject, detail)
     ), gone AS (
       UPDATE ledger.finding o SET gone_at = now() WHERE gone_at IS NULL AND kind = ANY ($4::text[])
         AND NOT EXISTS (SELECT FROM found f WHERE f.kind = o.kind AND f.subject = o.subject)
     ), before AS (
       SELECT o.kind, o.subject FROM ledger.finding o JOIN found USING (kind, subject) WHERE o.gone_at IS NULL
     ), kept AS (
       INSERT INTO ledger.finding (kind, subject, detail) SELECT kind, subject, detail FROM found
       ON CONFLICT (kind, subject) DO UPDATE SET detail = excluded.detail, last_seen = now(), gone_at = NULL
     )
     SELECT f.kind, f.subject, f.detail FROM found f
     WHERE NOT EXISTS (SELECT FROM before b WHERE b.kind = f.kind AND b.subject = f.subject)`,
    [
      findings.map(({ kind }) => kind),
      findings.map(({ subject }) => subject),
      findings.map(({ detail }) => detail),
      CERTAIN[by],
    ],
  );
  return rows.map(({ kind, subject, detail }) => ({ kind, subject, detail }));
}

/** Before everything is read: whoever comes next knows of it, even if it is cut off. */
export async function recordFullBegun(client: Client): Promise<void> {
  await client.query(
    `INSERT INTO ledger.full_look AS l (begun_at, unfinished) VALUES (clock_timestamp(), 1)
     ON CONFLICT (one) DO UPDATE SET begun_at = excluded.begun_at, unfinished = l.unfinished + 1`,
  );
}

export async function recordLook(client: Client, look: Look): Promise<void> {
  if (look.form === "full") await client.query("UPDATE ledger.full_look SET unfinished = 0");
  await client.query(
    `INSERT INTO ledger.verification (form, at, row_count, seconds, findings) VALUES ($1, now(), $2, $3, $4)
     ON CONFLICT (form) DO UPDATE SET at = excluded.at, row_count = excluded.row_count, seconds = excluded.seconds,
       findings = excluded.findings`,
    [look.form, look.rows, look.seconds, look.findings.length],
  );
}

export interface Standing {
  /** Seconds since the last look, by the database's clock; undefined when there was none. */
  readonly age: Readonly<Record<Form, number | undefined>>;
  readonly full: FullLooks;
  /** Open findings by kind. */
  readonly open: ReadonlyMap<string, number>;
}

export async function readStanding(client: Client): Promise<Standing> {
  const looks = await client.query<{ form: Form; age: number; seconds: number }>(
    "SELECT form, extract(epoch FROM clock_timestamp() - at)::float8 AS age, seconds FROM ledger.verification",
  );
  const open = await client.query<{ kind: string; n: number }>(
    "SELECT kind, count(*)::int AS n FROM ledger.finding WHERE gone_at IS NULL GROUP BY kind",
  );
  const begun = await client.query<{ begun: number; unfinished: number }>(
    "SELECT extract(epoch FROM clock_timestamp() - begun_at)::float8 AS begun, unfinished FROM ledger.full_look",
  );
  const of = (form: Form) => looks.rows.find((row) => row.form === form);
  const full = of("full");
  const [last = { begun: undefined, unfinished: 0 }] = begun.rows;
  return {
    age: { full: full?.age, incremental: of("incremental")?.age },
    full: { age: full?.age, seconds: full?.seconds ?? 0, ...last },
    open: new Map(open.rows.map(({ kind, n }) => [kind, n])),
  };
}
