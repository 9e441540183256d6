/** `npx node gameserver/transactions/cli.ts <command>`: what an operator does with the books. See docs/transactions.md. */
import { z } from "zod";
import { readConfig } from "../../platform/config.ts";
import { messageOf } from "../../platform/errors.ts";
import { createLog } from "../../platform/log.ts";
import { runCommand, USAGE } from "./commands.ts";

try {
  const argv = process.argv.slice(2);
  if (argv.length === 0 || argv.includes("--help")) {
    console.log(USAGE);
  } else {
    const config = readConfig({ GAMEFLEET_DATABASE_URL: z.url() }, process.env);
    const log = createLog({ name: "cli", level: "fatal" });
    const shell = {
      databaseUrl: config.GAMEFLEET_DATABASE_URL,
      log,
      print: (line: string) => console.log(line),
    };
    process.exitCode = await runCommand(shell, argv);
  }
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 2;
}
