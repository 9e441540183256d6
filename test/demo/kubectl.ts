/** kubectl as a function. Which cluster it talks to is in the environment (`prepare.ts` sets it). */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs kubectl, with `input` on its standard input, and answers what it printed. Throws with kubectl's own words. */
export async function kubectl(
  args: readonly string[],
  signal?: AbortSignal,
  input?: string,
): Promise<string> {
  try {
    const running = run("kubectl", args, {
      timeout: 120_000,
      maxBuffer: 16 << 20,
      ...(signal ? { signal } : {}),
    });
    if (input !== undefined) running.child.stdin?.end(input);
    return (await running).stdout.trim();
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new Error(`kubectl ${args.join(" ")}: ${stderr?.trim() || message}`, { cause: error });
  }
}

export async function kubectlJson(args: readonly string[], signal?: AbortSignal): Promise<unknown> {
  return JSON.parse(await kubectl([...args, "-o", "json"], signal));
}
