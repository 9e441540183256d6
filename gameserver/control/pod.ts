/**
 * One game server pod, put together. `main.ts` runs one per process; tests run several in one.
 */
import { fail, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { CLOSE } from "../../protocol/close.ts";
import { type Config, localZones } from "../config.ts";
import { loadGame } from "../load-game.ts";
import { localGrant } from "../sessions/local-ticket.ts";
import { Sessions } from "../sessions/sessions.ts";
import { compileGame, TICK_HZ } from "../simulation/schema.ts";
import { refusalCode } from "./refusal.ts";
import { startThreads } from "./threads.ts";
import { Zones } from "./zones.ts";

export async function startPod(config: Config, log: Log) {
  const game = await loadGame(config.GAMEFLEET_GAME);
  const schema = compileGame(game.declaration);
  const threads = await startThreads(config, schema, config.GAMEFLEET_IO_THREADS || 1, {
    hello(thread, hello) {
      sessions.hello(thread, hello).catch((error: unknown) => {
        const { code, reason } = refusalCode(error);
        log.info({ err: { message: messageOf(error) }, code }, "player refused");
        threads.transports[thread]?.refuse(hello.connection, code, reason);
      });
    },
    gone: (thread, connection) => sessions.gone(thread, connection),
    left: (session) => void sessions.end(session, CLOSE.left),
    bug: (message) => log.error({ err: { message } }, "I/O thread bug"),
    fault: (fault) =>
      log.error(
        { zone: fault.zone, where: fault.where, err: { message: fault.message } },
        "game rule failed",
      ),
    onDeath(thread, error) {
      log.fatal({ thread, err: error }, "thread died");
      process.exit(1);
    },
  });
  const zones = new Zones(threads, schema, config.GAMEFLEET_MAX_ZONES);
  const sessions: Sessions = new Sessions({
    zones,
    simulation: threads.simulation,
    transports: threads.transports,
    capacity: config.GAMEFLEET_CAPACITY_SESSIONS,
    welcome: {
      server: config.serverKey,
      game: schema.descriptor,
      tickHz: TICK_HZ,
      updateHz: TICK_HZ / schema.updateTicks,
      heartbeatSeconds: 30,
    },
    verify: async (token) => localGrant(token),
    zone: async (id) => {
      const zone = zones.get(id);
      if (!zone) throw fail("ZONE_NOT_FOUND", `zone ${id} is not served here`);
      return zone;
    },
    closed: () => undefined,
    onJoined() {},
    onEnded() {},
  });
  for (const { id, capacity } of localZones(config.GAMEFLEET_LOCAL_ZONES)) {
    await zones.open({ id, kind: "fixed", epoch: 1, capacity }, performance.now());
  }
  log.info(
    { port: threads.port, game: game.declaration.name, zones: zones.list().map((zone) => zone.id) },
    "serving",
  );
  return { threads, zones, sessions, stop: () => threads.stop() };
}
