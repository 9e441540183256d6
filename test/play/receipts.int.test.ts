/** A store's receipt at a whole pod: configured by its file, granted over the admin listener, taken back by a webhook. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { useFleet } from "../../gameserver/testing/fleet.ts";
import { openShops, type Shops } from "../../gameserver/transactions/receipts/testing/shops.ts";
import { eventually } from "../../platform/testing/eventually.ts";

const GAME = fileURLToPath(new URL("../../games/starlanes/game.ts", import.meta.url));
const TOKEN = "a-service-token-for-tests";
const fleet = useFleet();
const folder = mkdtempSync(join(tmpdir(), "gamefleet-receipts-"));
const file = join(folder, "receipts.json");
const tokens = join(folder, "tokens");
let shops: Shops;

beforeAll(async () => {
  shops = await openShops();
  mkdirSync(tokens);
  writeFileSync(join(tokens, "shop"), TOKEN);
  writeFileSync(file, JSON.stringify(shops.file()));
});
afterAll(async () => {
  await shops.close();
  rmSync(folder, { recursive: true });
});

const serve = (env: Record<string, string>) => fleet.start({ GAMEFLEET_GAME: GAME, ...env });
async function call(path: string, body?: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`http://127.0.0.1:${fleet.adminPort}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}`, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
const walletsOf = async (player: string) => (await call(`/v1/players/${player}/wallets`)).body["wallets"];

it("is granted, told to the store, and taken back when the store says so", async () => {
  await serve({ GAMEFLEET_RECEIPTS_FILE: file, GAMEFLEET_SERVICE_TOKENS_DIR: tokens });
  const token = shops.google.buy();
  const shown = JSON.stringify({ store: "google", token, product: "gems", player: "ann" });
  // The ledger is opened beside the players' listener.
  await eventually(async () => expect(await call("/v1/receipts", shown)).toMatchObject({ status: 200 }));
  expect((await call("/v1/receipts", shown)).body).toMatchObject({ status: "settled" });
  expect(await walletsOf("ann")).toEqual([{ asset: "credits", balance: "100" }]);
  await eventually(async () => expect(shops.google.told).toContain(`consume products ${token}`));
  const voided = { purchaseToken: token, orderId: "GPA.1", productType: 2 };
  const { body, headers } = await shops.google.push({ voidedPurchaseNotification: voided });
  expect(await call("/v1/webhooks/google", body, headers)).toMatchObject({ status: 200 });
  await eventually(async () => expect(await walletsOf("ann")).toEqual([]));
});

it("is not taken where no receipts file is, and a mistake in one keeps the pod from starting", async () => {
  await serve({ GAMEFLEET_SERVICE_TOKENS_DIR: tokens });
  expect(await call("/v1/receipts", "{}")).toMatchObject({ status: 404 });
  await fleet.stop();
  const bad = join(folder, "bad.json");
  writeFileSync(bad, JSON.stringify({ ...shops.file(), apple: {} }));
  await expect(serve({ GAMEFLEET_RECEIPTS_FILE: bad })).rejects.toThrow(/apple\.bundleId/);
});
