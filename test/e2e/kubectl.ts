/** kubectl as a user runs it. */
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Outcome {
  readonly ok: boolean;
  readonly out: string;
  readonly error: string;
}

/** Runs kubectl; never throws. `input` is given on standard input. */
export async function tryKubectl(args: readonly string[], input?: string): Promise<Outcome> {
  const child = run("kubectl", [...args], { maxBuffer: 64 * 1024 * 1024 });
  if (input !== undefined) child.child.stdin?.end(input);
  try {
    const { stdout, stderr } = await child;
    return { ok: true, out: stdout, error: stderr };
  } catch (error) {
    const { stdout = "", stderr = String(error) } = error as { stdout?: string; stderr?: string };
    return { ok: false, out: stdout, error: stderr };
  }
}

/** Runs kubectl and returns what it printed. Throws with what it complained about. */
export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const outcome = await tryKubectl(args, input);
  if (!outcome.ok) throw new Error(`kubectl ${args.join(" ")}: ${outcome.error}`);
  return outcome.out;
}

export async function getJson<T>(args: readonly string[]): Promise<T> {
  return JSON.parse(await kubectl([...args, "-o", "json"])) as T;
}

/** Waits until `look` gives something else than undefined or false. Throws what it last saw when time is up. */
export async function eventually<T>(
  look: () => Promise<T | undefined | false>,
  what: string,
  withinMs = 60_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    await sleep(250);
  }
  throw new Error(`not within ${withinMs} ms: ${what} (last: ${String(last)})`);
}
