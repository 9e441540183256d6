/** Our chart as helm renders it. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const CHART = fileURLToPath(new URL("../../charts/gamefleet", import.meta.url));
const run = promisify(execFile);

/** Runs helm; never throws. */
export async function helm(args: readonly string[]): Promise<{ out: string; error: string }> {
  try {
    const { stdout } = await run("helm", [...args], { maxBuffer: 16 * 1024 * 1024 });
    return { out: stdout, error: "" };
  } catch (error) {
    return { out: "", error: (error as { stderr?: string }).stderr || String(error) };
  }
}
/** Manifests of the chart with these values (`--set`), as text. */
export const template = (values: readonly string[], namespace = "gamefleet-system") =>
  helm(["template", "gf", CHART, "-n", namespace, ...values.flatMap((value) => ["--set", value])]);
