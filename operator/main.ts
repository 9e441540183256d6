/**
 * One image, two roles: `--role operator` (default) reconciles, `--role allocator` gives players a place.
 * Also `--print-config`: shows the configuration as it was understood, secrets redacted, and ends.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import closeWithGrace from "close-with-grace";
import { redactConfig } from "../platform/config.ts";
import { GamefleetError, messageOf } from "../platform/errors.ts";
import { createLog, type Log } from "../platform/log.ts";
import { startAllocator } from "./allocator/allocator.ts";
import { readAllocatorConfig } from "./allocator/config.ts";
import { readOperatorConfig } from "./config.ts";
import { runOperator } from "./operator.ts";

const version = (
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }
).version;

const STOP_MS = 30_000;

function print(config: Record<string, unknown>): void {
  console.log(JSON.stringify(redactConfig(config), null, 2));
}

/** Stops on SIGTERM, SIGINT and on what nobody caught; a second signal ends at once. */
function onStop(log: Log, stop: () => Promise<void>): void {
  closeWithGrace({ delay: STOP_MS, logger: false }, async ({ signal, err }) => {
    if (err) log.fatal({ err }, "uncaught");
    else log.info({ signal }, "stopping");
    await stop();
  });
}

async function operatorRole(printOnly: boolean): Promise<void> {
  const config = readOperatorConfig(process.env);
  if (printOnly) return print(config);
  const log = createLog({ name: "operator", level: config.GAMEFLEET_LOG_LEVEL });
  const end = new AbortController();
  const done = runOperator(config, version, log, end.signal);
  onStop(log, async () => {
    end.abort();
    await done.catch(() => {});
  });
  try {
    await done;
  } catch (error) {
    // Leadership lost included: another replica may act already, so this one starts over from nothing.
    log.fatal({ err: error }, "operator ended");
    process.exit(1);
  }
  return undefined;
}

async function allocatorRole(printOnly: boolean): Promise<void> {
  const config = readAllocatorConfig(process.env);
  if (printOnly) return print(config);
  const log = createLog({ name: "allocator", level: config.GAMEFLEET_LOG_LEVEL });
  const running = await startAllocator(config, version, log);
  onStop(log, () => running.close());
  return undefined;
}

const { values } = parseArgs({
  options: {
    role: { type: "string", default: "operator" },
    "print-config": { type: "boolean", default: false },
  },
});
try {
  if (values.role === "operator") await operatorRole(values["print-config"]);
  else if (values.role === "allocator") await allocatorRole(values["print-config"]);
  else throw new Error(`--role ${values.role}: must be operator or allocator`);
} catch (error) {
  console.error(error instanceof GamefleetError ? `${error.code}: ${error.message}` : messageOf(error));
  process.exit(1);
}
