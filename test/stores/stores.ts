/**
 * Real Redis and PostgreSQL for tests and benchmarks: started on free loopback ports with their data in a
 * temporary folder, with the durability that production has (`appendfsync always`, `fsync on`), ended with it.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { Client } from "pg";

export interface Store {
  readonly url: string;
  readonly pid: number;
  /** Ends all its processes at once, as their container's death would; `start` brings it back on the same port and data. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Deletes its data, while it is dead: a disk that is lost. */
  lose(): void;
  /** Ends it for good and deletes its data. */
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Runs a server program as an ordinary user where we are root: PostgreSQL refuses root. */
function asUser(user: string, command: string, args: readonly string[]): [string, string[]] {
  if (process.getuid?.() !== 0) return [command, [...args]];
  return ["setpriv", ["--reuid", user, "--regid", user, "--clear-groups", "--", command, ...args]];
}

const isRunning = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

/** Processes that it started and that have not been waited for. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").map(Number).filter(Boolean);
}

interface Recipe {
  readonly url: string;
  readonly folder: string;
  readonly command: readonly [string, readonly string[]];
  answers(): Promise<unknown>;
}

async function run(recipe: Recipe): Promise<Store> {
  let child: ChildProcess | undefined;
  const start = async () => {
    const [command, args] = recipe.command;
    child = spawn(command, args, { stdio: "ignore" });
    for (let attempt = 0; ; attempt++) {
      try {
        await recipe.answers();
        return;
      } catch (error) {
        if (attempt > 300) throw error;
        await sleep(100);
        // PostgreSQL refuses to start while processes of the killed one still hold its memory: they end in a moment.
        if (!isRunning(child)) child = spawn(command, args, { stdio: "ignore" });
      }
    }
  };
  const kill = async () => {
    if (!child?.pid || !isRunning(child)) return;
    const ended = once(child, "exit");
    // A process of PostgreSQL amid a long query outlives the one that started it, and nothing can start until it ends.
    child.kill("SIGSTOP");
    for (const pid of [child.pid, ...childrenOf(child.pid)]) process.kill(pid, "SIGKILL");
    await ended;
  };
  await start();
  return {
    url: recipe.url,
    get pid() {
      return child?.pid ?? 0;
    },
    kill,
    start,
    lose: () => {
      for (const name of readdirSync(recipe.folder)) rmSync(join(recipe.folder, name), { recursive: true });
    },
    stop: async () => {
      await kill();
      rmSync(recipe.folder, { recursive: true, force: true });
    },
  };
}

function dataFolder(user: string): string {
  const folder = mkdtempSync(join(tmpdir(), "gamefleet-store-"));
  if (process.getuid?.() === 0) execFileSync("chown", [`${user}:`, folder]);
  return folder;
}

/** `disk`: a folder on another disk than the temporary files are on. */
export async function startRedis(disk = tmpdir()): Promise<Store> {
  const port = await freePort();
  const folder = mkdtempSync(join(disk, "gamefleet-store-"));
  const url = `redis://127.0.0.1:${port}`;
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  args.push("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction");
  const answers = async () => {
    const redis = new Redis(url, {
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      // While it reads its file ioredis would sleep for as long as Redis guesses, 10 s at most.
      maxLoadingRetryTime: 50,
    });
    redis.on("error", () => {});
    try {
      await redis.connect();
      await redis.ping();
    } finally {
      redis.disconnect();
    }
  };
  return run({ url, folder, command: ["redis-server", args], answers });
}

/** The folder of PostgreSQL's server programs: Debian keeps them off the PATH, by version. */
function postgresBin(): string {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root)
    ? readdirSync(root).filter((name) => existsSync(join(root, name, "bin/postgres")))
    : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest ? join(root, newest, "bin/") : "";
}

export async function startPostgres(): Promise<Store> {
  const user = "postgres";
  const port = await freePort();
  const folder = dataFolder(user);
  const bin = postgresBin();
  const data = join(folder, "data");
  const [initdb, initArgs] = asUser(user, `${bin}initdb`, [
    "-D",
    data,
    "-U",
    "gamefleet",
    "-A",
    "trust",
    "--no-sync",
  ]);
  execFileSync(initdb, initArgs, { stdio: "ignore", cwd: folder });
  const settings = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    `unix_socket_directories=${folder}`,
    "max_connections=200",
  ];
  const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  const url = `postgres://gamefleet@127.0.0.1:${port}/postgres`;
  const answers = async () => {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    client.on("error", () => {});
    try {
      await client.connect();
      await client.query("SELECT 1");
    } finally {
      await client.end().catch(() => {});
    }
  };
  return run({ url, folder, command: asUser(user, `${bin}postgres`, args), answers });
}
