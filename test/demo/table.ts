/** The live table: pure text from what was seen. */
import type { FleetLook } from "./fleet.ts";

export interface Scene {
  readonly fleet: FleetLook | undefined;
  /** Bots in play by server: at this very moment, while the fleet's status may be some seconds old. */
  readonly botsByServer: ReadonlyMap<string, number>;
  readonly players: number;
  readonly playing: number;
  readonly lostSessions: number;
  readonly resumed: number;
  readonly restarted: number;
  readonly updatesPerSecond: number;
  /** Over the last seconds, ms; NaN before the first input was seen. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly seconds: number;
  readonly webAddress: string;
  readonly hint: string;
}

const COLUMNS = ["GAMESERVER", "STATE", "ADDRESS", "ZONES", "SESSIONS", "BOTS", "CPU"] as const;
/** Columns of numbers stand to the right. */
const FIRST_NUMBER = 3;

export function renderTable(scene: Scene): string[] {
  const servers = [...(scene.fleet?.servers ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
  const rows = servers.map((server) => [
    server.name,
    server.state,
    server.address,
    String(server.zones),
    String(server.sessions),
    String(scene.botsByServer.get(server.name) ?? 0),
    server.cpuPercent === undefined ? "-" : `${server.cpuPercent} %`,
  ]);
  const fleet = scene.fleet
    ? `fleet ${scene.fleet.ready} of ${scene.fleet.desired} ready, ${scene.fleet.zones} zones`
    : "fleet: looking";
  return [
    ...grid([COLUMNS, ...rows]),
    "",
    `${fleet}   ${scene.seconds.toFixed(0)} s`,
    `players ${scene.playing} of ${scene.players} in play, ${scene.resumed + scene.restarted} came back, ` +
      `${scene.lostSessions} lost   ${scene.updatesPerSecond.toFixed(0)} updates/s`,
    `input→seen  p50 ${ms(scene.p50Ms)}   p99 ${ms(scene.p99Ms)}`,
    `fly along: ${scene.webAddress}${scene.hint === "" ? "" : `   ${scene.hint}`}`,
  ];
}

function grid(rows: readonly (readonly string[])[]): string[] {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column < FIRST_NUMBER ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("   ")
      .trimEnd(),
  );
}

const ms = (value: number): string => (Number.isNaN(value) ? "-" : `${value.toFixed(0)} ms`);
