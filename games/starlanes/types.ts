import type { Entity, Zone } from "../../gameserver/game.ts";
import type { declaration } from "./declaration.ts";

export type StarZone = Zone<typeof declaration>;
export type StarEntity = Entity<typeof declaration>;
