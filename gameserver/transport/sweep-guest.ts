/** Once a second for each connection: whoever does not say HELLO, does not read, or is not heard. */
import { CLOSE } from "../../protocol/close.ts";
import type { PlayerConnection } from "./connection.ts";
import type { IoSession } from "./io-session.ts";

/** From connecting to HELLO. */
const HELLO_MS = 5_000;
/** A client that reads nothing for this long, or leaves this much unread, is dropped; it can resume. */
const SLOW_READER_MS = 10_000;
const MAX_BACKLOG_BYTES = 131_072;
/** A player pings at least every 30 s: whose line was silent for this long has lost it, and was not told. */
const SILENT_SECONDS = 90;

/** `now`: monotonic ms; `seconds`: Unix. */
export function sweepGuest(
  connection: PlayerConnection,
  session: IoSession | undefined,
  now: number,
  seconds: number,
): void {
  connection.sweep(now);
  if (!session) {
    if (connection.openOrUpgrading && now - connection.openedAt > HELLO_MS)
      connection.close(CLOSE.helloTimeout, "no HELLO in time");
    return;
  }
  const { slowSince, slot, zone } = session;
  const slow = slowSince > 0 && (now - slowSince > SLOW_READER_MS || connection.backlog > MAX_BACKLOG_BYTES);
  if (slow) connection.close(CLOSE.slowReader, "not reading");
  else if (seconds - (zone.memory.heardAt[slot] as number) > SILENT_SECONDS)
    connection.close(CLOSE.silent, "nothing was heard");
}
