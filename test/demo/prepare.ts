/**
 * From whatever there is to a cluster with gamefleet in it: the scripts of `test/cluster`, each with its own words on
 * the terminal. They keep what is there already, so a second run takes seconds.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { kubectlJson } from "./kubectl.ts";

const ROOT = new URL("../../", import.meta.url);
const PROGRESS_EVERY_MS = 5_000;

/** What `env.sh` exports, taken over into this process and its children. */
const VARIABLES = ["KUBECONFIG", "GAMEFLEET_ALLOCATOR_URL", "GAMEFLEET_PLAYER_ADDRESS", "PATH"] as const;

export async function makeCluster(): Promise<string> {
  await script("test/cluster/up.sh");
  await takeEnvironment();
  return `cluster at ${process.env.GAMEFLEET_PLAYER_ADDRESS}`;
}

export async function loadImages(): Promise<string> {
  await script("test/cluster/images.sh");
  return "images are in the cluster";
}

/** Helm says nothing until it is done, so the pods' progress is told beside it. */
export async function installChart(say: (line: string) => void): Promise<string> {
  const progress = setInterval(() => {
    podsReady().then(
      (text) => say(`  … ${text}`),
      () => undefined, // the API server may be busy: the next look tells more
    );
  }, PROGRESS_EVERY_MS);
  try {
    await script("test/cluster/deploy.sh");
  } finally {
    clearInterval(progress);
  }
  return podsReady();
}

/** The token with which the demo asks for places, as a game's own back end would. */
export async function serviceToken(): Promise<string> {
  return (await readFile(new URL(".state/allocator-token", ROOT), "utf8")).trim();
}

async function podsReady(): Promise<string> {
  const { items } = (await kubectlJson(["-n", "gamefleet-system", "get", "pods"])) as {
    readonly items: readonly {
      readonly status: {
        readonly conditions?: readonly { readonly type: string; readonly status: string }[];
      };
    }[];
  };
  const ready = items.filter(({ status }) =>
    status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True"),
  );
  return `${ready.length} of ${items.length} pods of gamefleet-system are ready`;
}

/** Takes over what `env.sh` exports: which cluster, which allocator. */
export async function takeEnvironment(): Promise<void> {
  const names = VARIABLES.map((name) => `"$${name}"`).join(" ");
  const { stdout } = await promisify(execFile)(
    "bash",
    ["-c", `eval "$(test/cluster/env.sh)" && printf '%s\\0' ${names}`],
    { cwd: ROOT },
  );
  for (const [index, value] of stdout.split("\0").entries()) {
    const name = VARIABLES[index];
    if (name) process.env[name] = value;
  }
}

async function script(path: string): Promise<void> {
  const child = spawn("bash", [path], { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${path} failed; its last words are above`);
}
