/** A player's purchase, whole: SDK, socket, I/O thread, processor, ledger, the game's rule, and back. */
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { connect, type Player } from "../../client/index.ts";
import { readGameserverConfig } from "../../gameserver/config.ts";
import { startPod } from "../../gameserver/control/pod.ts";
import { useFleet } from "../../gameserver/testing/fleet.ts";
import { sha256, uuidv7 } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { query } from "../../platform/postgres.ts";
import { eventually } from "../../platform/testing/eventually.ts";

const fleet = useFleet();
const GAME = fileURLToPath(new URL("../../games/starlanes/game.ts", import.meta.url));
let players: Player[] = [];
/** Another in each test: the ledger outlives them. */
let name = "";
beforeEach(() => {
  name = `ada-${Math.random()}`;
});
afterEach(() => {
  for (const player of players) player.close();
  players = [];
});

async function play(): Promise<Player> {
  const sid = uuidv7();
  const resumeToken = `${sid}.secret`;
  const ticket = await fleet.ticket({ sub: name, sid, rh: sha256(resumeToken) });
  const player = connect({ address: "127.0.0.1", port: fleet.playerPort, ticket, resumeToken }, {});
  players.push(player);
  await new Promise<void>((resolve) => player.on("welcome", () => resolve()));
  return player;
}
const serve = () => fleet.serveSol({ GAMEFLEET_GAME: GAME });
const balance = async (asset: string) => {
  const sql = "SELECT balance FROM ledger.wallet WHERE account = $1 AND asset = $2";
  const [row] = await query<{ balance: string }>(fleet.pool, sql, [`player:${name}`, asset]);
  return Number(row?.balance ?? 0);
};
const welcomed = () => eventually(async () => expect(await balance("credits")).toBe(1_000));

it("is settled in the ledger, and the ship is whole again", async () => {
  await serve();
  const player = await play();
  await welcomed();
  expect(await player.buy("refit", 2)).toMatchObject({ status: "settled" });
  expect([await balance("credits"), await balance("refit")]).toEqual([900, 2]);
});

it("is declined with the reason once the money is gone", async () => {
  await serve();
  const player = await play();
  await welcomed();
  expect(await player.buy("refit", 21)).toMatchObject({ status: "declined", detail: "insufficient-funds" });
  expect(await balance("credits")).toBe(1_000);
});

it("is invalid for what is not offered, naming what is", async () => {
  await serve();
  const player = await play();
  expect(await player.buy("moon")).toMatchObject({
    status: "invalid",
    detail: expect.stringContaining("refit"),
  });
});

it("asked for on a line that breaks is bought once, and its receipt comes on the next", async () => {
  await serve();
  const player = await play();
  await welcomed();
  const bought = Array.from({ length: 5 }, () => player.buy("refit"));
  player.dropConnection();
  const receipts = await Promise.all(bought);
  expect(receipts.map((receipt) => receipt.status)).toEqual(Array.from({ length: 5 }, () => "settled"));
  expect(await balance("refit")).toBe(5);
});

it("the welcome reward is given once, however often one comes", async () => {
  await serve();
  const first = await play();
  await welcomed();
  first.close();
  const second = await play();
  await second.buy("refit");
  expect(await balance("credits")).toBe(950);
});

it("is told to be impossible where there is no ledger", async () => {
  const config = readGameserverConfig({
    GAMEFLEET_LOCAL: "true",
    GAMEFLEET_GAME: GAME,
    GAMEFLEET_HOST: "127.0.0.1",
    GAMEFLEET_PORT: "0",
    GAMEFLEET_ADMIN_PORT: "0",
    GAMEFLEET_IO_THREADS: "1",
  });
  const pod = await startPod(config, silentLog(), () => {});
  const ticket = JSON.stringify({ player: "ada", zone: "sol" });
  const player = connect({ address: "127.0.0.1", port: pod.playerPort, ticket, resumeToken: "r" }, {});
  players.push(player);
  expect(await player.buy("refit")).toMatchObject({
    status: "invalid",
    detail: expect.stringContaining("no ledger"),
  });
  await pod.stop();
});
