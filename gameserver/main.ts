/**
 * A game server pod: wiring only. `node gameserver/main.ts [--print-config]`.
 *
 * SIGTERM and SIGINT stop it in order; it exits 0 within GAMEFLEET_DRAIN_SECONDS whatever happens.
 */
import { redactConfig } from "../platform/config.ts";
import { messageOf } from "../platform/errors.ts";
import { createLog, type Log } from "../platform/log.ts";
import { type Config, readGameserverConfig } from "./config.ts";
import { startPod } from "./control/pod.ts";

async function run(config: Config, log: Log): Promise<void> {
  const pod = await startPod(config, log, () => process.exit(1));
  const stop = (signal: string) => {
    log.info({ signal, seconds: config.GAMEFLEET_DRAIN_SECONDS }, "stopping");
    setTimeout(() => {
      log.warn("not done in time: ending anyway");
      process.exit(0);
    }, config.GAMEFLEET_DRAIN_SECONDS * 1_000).unref();
    void pod.stop().then(
      () => {
        log.info("stopped");
        process.exit(0);
      },
      (error: unknown) => {
        log.error({ err: error }, "stopping failed");
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

try {
  const config = readGameserverConfig(process.env);
  if (process.argv.includes("--print-config")) console.log(JSON.stringify(redactConfig(config), null, 2));
  else await run(config, createLog({ name: "gameserver", level: config.GAMEFLEET_LOG_LEVEL }));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
