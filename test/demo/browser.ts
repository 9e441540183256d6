/** A headless Chromium, as Debian installs it. GAMEFLEET_CHROMIUM names another one. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PROGRAM = process.env.GAMEFLEET_CHROMIUM ?? "/usr/bin/chromium";

export async function launchBrowser(): Promise<Browser> {
  if (!existsSync(PROGRAM)) {
    throw new Error(
      `no browser at ${PROGRAM}: install Chromium (Debian: apt-get install chromium) or set GAMEFLEET_CHROMIUM`,
    );
  }
  return chromium.launch({
    executablePath: PROGRAM,
    // Root has no sandbox in Chromium; the rest keeps it from talking to anybody but this machine.
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
