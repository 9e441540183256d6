/** Loads a game module by path: the one place where the runtime meets a game's code. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { fail, messageOf } from "../platform/errors.ts";
import { checkBrains } from "./ai/brains.ts";
import type { Game } from "./game.ts";

/** Throws `GAME_INVALID` when the module cannot be loaded or exports no `game`. */
export async function loadGame(path: string): Promise<Game> {
  let module: { readonly game?: unknown };
  try {
    module = (await import(pathToFileURL(resolve(path)).href)) as { readonly game?: unknown };
  } catch (error) {
    throw fail("GAME_INVALID", `${path} cannot be loaded: ${messageOf(error)}`, { cause: error });
  }
  const game = module.game as Partial<Game> | undefined;
  if (!game?.declaration || !game.rules) {
    throw fail("GAME_INVALID", `${path} must export const game = defineGame(…)`);
  }
  checkBrains(game.rules);
  return game as Game;
}
