/** kubectl as a function. Which cluster it talks to is in the environment (`prepare.ts` sets it). */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs kubectl and answers what it printed. Throws with kubectl's own words. */
export async function kubectl(args: readonly string[], signal?: AbortSignal): Promise<string> {
  try {
    const { stdout } = await run("kubectl", args, {
      timeout: 120_000,
      maxBuffer: 16 << 20,
      ...(signal ? { signal } : {}),
    });
    return stdout.trim();
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new Error(`kubectl ${args.join(" ")}: ${stderr?.trim() || message}`, { cause: error });
  }
}

export async function kubectlJson(args: readonly string[], signal?: AbortSignal): Promise<unknown> {
  return JSON.parse(await kubectl([...args, "-o", "json"], signal));
}
