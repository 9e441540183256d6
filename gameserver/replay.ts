/**
 * `npx node gameserver/replay.ts <recording> [--game <path>]`: runs a recording of a zone again (GAMEFLEET_RECORD, or
 * the dump of an anomaly) and compares its state after every tick.
 *
 * Prints one JSON object. Exits 0 when all ticks are equal, 1 when one differs (named, with the parts of the state
 * that do), 2 when it cannot be replayed.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { messageOf } from "../platform/errors.ts";
import { loadGame } from "./load-game.ts";
import { loadRapier } from "./physics/rapier.ts";
import { readHeader, replay } from "./simulation/replay.ts";

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { game: { type: "string" } },
  });
  const [path] = positionals;
  if (path === undefined) throw new Error("usage: replay.ts <recording> [--game <path>]");
  const lines = readFileSync(path, "utf8").split("\n");
  const header = readHeader(lines[0] ?? "");
  const game = await loadGame(values.game ?? header.game);
  if (Object.values(game.declaration.kinds).some((kind) => kind.rigid)) await loadRapier();
  const result = replay(game, lines);
  console.log(JSON.stringify({ zone: header.zone, ...result }));
  process.exitCode = result.difference ? 1 : 0;
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 2;
}
