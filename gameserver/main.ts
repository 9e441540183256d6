/** A game server pod: wiring only. `node gameserver/main.ts [--print-config]`. */
import { redactConfig } from "../platform/config.ts";
import { messageOf } from "../platform/errors.ts";
import { createLog } from "../platform/log.ts";
import { readGameserverConfig } from "./config.ts";
import { startPod } from "./control/pod.ts";

try {
  const config = readGameserverConfig(process.env);
  if (process.argv.includes("--print-config")) {
    console.log(JSON.stringify(redactConfig(config), null, 2));
  } else {
    const log = createLog({ name: "gameserver", level: config.GAMEFLEET_LOG_LEVEL });
    await startPod(config, log);
  }
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
