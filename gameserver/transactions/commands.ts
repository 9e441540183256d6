/** The commands of an operator, apart from the process that runs them (cli.ts): each prints lines and gives an exit code. */
import { parseArgs } from "node:util";
import { fail, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { createPool, type Pool, withClient } from "../../platform/postgres.ts";
import type { Answer } from "./answer.ts";
import { readAssets, setAsset, setStock } from "./ledger/catalogue.ts";
import { abandonAside, findAside, listAside, retryAside } from "./ledger/quarantine.ts";
import { LEDGER_SESSION, PostgresLedger } from "./ledger/settle.ts";
import { closeStream, openStream } from "./ledger/streams.ts";
import { FINDING_KINDS } from "./verifier/finding.ts";
import { VERIFIER_SESSION, verifyFull } from "./verifier/verify.ts";

export const USAGE = `usage: cli.ts <command>, with GAMEFLEET_DATABASE_URL set
  verify-ledger                          read all of the books; exit 1 when something is wrong
  quarantine list                        transactions that wait for a decision, oldest first
  quarantine show <id>                   one of them, with its lines and what went wrong
  quarantine retry <id>                  carry it out again
  quarantine abandon <id>                decline it for good
  stock set <item> <pieces>              limit an item to what is in stock
  asset set <asset> currency|item [--ceiling <n>]   add to the catalogue, or change the most a player may hold`;

export interface Shell {
  readonly databaseUrl: string;
  readonly log: Log;
  readonly print: (line: string) => void;
}

/** A full look may take an hour at most. */
const LONGEST_MS = 3_600_000;
const MOST_LISTED = 200;

type Command = (shell: Shell, args: readonly string[], ceiling: string | undefined) => Promise<number>;

const exitOf = ({ status }: Answer): number => (status === "settled" ? 0 : 1);

const COMMANDS: Readonly<Record<string, Command>> = {
  "verify-ledger": verifyLedger,
  "quarantine list": (shell) =>
    withPool(shell, async (pool) => {
      const rows = await listAside(pool, MOST_LISTED);
      for (const { id, since, attempts, error } of rows) {
        shell.print(`${id}  since ${since.toISOString()}  ${attempts} attempts  ${error}`);
      }
      shell.print(rows.length === MOST_LISTED ? `the first ${MOST_LISTED}` : `${rows.length} in quarantine`);
      return 0;
    }),
  "quarantine show": (shell, [id]) =>
    withPool(shell, async (pool) => {
      shell.print(JSON.stringify(await findAside(pool, uuid(id)), null, 2));
      return 0;
    }),
  "quarantine retry": (shell, [id]) =>
    withLedger(shell, async ({ pool, ledger }) => {
      const answer = await retryAside(pool, ledger, uuid(id));
      shell.print(JSON.stringify({ id, ...answer }));
      return exitOf(answer);
    }),
  "quarantine abandon": (shell, [id]) =>
    withLedger(shell, async ({ pool, stream }) => {
      const done = await abandonAside(pool, stream, uuid(id));
      shell.print(done ? `${id} is declined: abandoned` : `${id} was decided before; see what the books say`);
      return done ? 0 : 1;
    }),
  "stock set": (shell, [item = "", pieces]) =>
    withLedger(shell, async ({ pool, ledger }) => {
      const answer = await setStock(pool, ledger, item, whole("pieces", pieces, 0));
      shell.print(JSON.stringify({ item, ...answer }));
      return exitOf(answer);
    }),
  "asset set": (shell, [asset = "", kind], ceiling) =>
    withPool(shell, async (pool) => {
      if (kind !== "currency" && kind !== "item") throw invalid("kind", "must be currency or item");
      await setAsset(pool, asset, kind, ceiling === undefined ? undefined : whole("--ceiling", ceiling, 1));
      shell.print(`${asset} is in the catalogue`);
      return 0;
    }),
};

/** Runs one command; answers its exit code. Throws errors of the table for what is wrong with it. */
export async function runCommand(shell: Shell, argv: readonly string[]): Promise<number> {
  const { values, positionals } = parsed(argv);
  const [one = "", two = "", ...rest] = positionals;
  const pair = COMMANDS[`${one} ${two}`];
  if (pair) return pair(shell, rest, values.ceiling);
  const single = COMMANDS[one];
  if (!single || two !== "") throw invalid("command", `unknown: ${positionals.join(" ")}\n${USAGE}`);
  return single(shell, rest, values.ceiling);
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { ceiling: { type: "string" } },
    });
  } catch (error) {
    throw invalid("command", `${messageOf(error)}\n${USAGE}`);
  }
}

async function verifyLedger(shell: Shell): Promise<number> {
  const session = VERIFIER_SESSION;
  const pool = createPool({ ...poolOf(shell), statementTimeoutMs: LONGEST_MS, session });
  try {
    const { findings, rows, seconds } = await withClient(pool, (client) => verifyFull(client, false));
    for (const { kind, subject, detail } of findings) shell.print(`${kind}  ${subject}  ${detail}`);
    for (const kind of new Set(findings.map((finding) => finding.kind)))
      shell.print(`${kind}: ${FINDING_KINDS[kind]}. What to do: docs/transactions.md`);
    const verdict = findings.length === 0 ? "the books are sound" : `${findings.length} findings`;
    shell.print(`${rows} rows in ${seconds.toFixed(1)} s: ${verdict}`);
    return findings.length === 0 ? 0 : 1;
  } finally {
    await pool.end();
  }
}

const poolOf = ({ databaseUrl, log }: Shell) => ({
  url: databaseUrl,
  name: "gamefleet-cli",
  log,
  maxConnections: 1,
});

async function withPool(shell: Shell, work: (pool: Pool) => Promise<number>): Promise<number> {
  const pool = createPool({ ...poolOf(shell), session: LEDGER_SESSION });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

interface OpenLedger {
  readonly pool: Pool;
  readonly ledger: PostgresLedger;
  readonly stream: number;
}

/** Settles under a journal of its own, as a pod would: the books tell what an operator did. */
const withLedger = (shell: Shell, work: (open: OpenLedger) => Promise<number>): Promise<number> =>
  withPool(shell, async (pool) => {
    const assets = await readAssets(pool);
    const stream = await openStream(pool, "cli", "cli");
    try {
      return await work({
        pool,
        stream,
        ledger: new PostgresLedger({ pool, stream: () => stream, assets: () => assets }),
      });
    } finally {
      await closeStream(pool, stream, "its owner");
    }
  });

function uuid(id: string | undefined): string {
  if (!id || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
    throw invalid("id", "must be a transaction's id");
  return id;
}

function whole(field: string, text: string | undefined, least: number): number {
  const value = Number(text);
  if (!text || !Number.isSafeInteger(value) || value < least) {
    throw invalid(field, `must be a whole number from ${least}`);
  }
  return value;
}

const invalid = (field: string, what: string) =>
  fail("REQUEST_INVALID", `${field}: ${what}`, { fields: { [field]: what } });
