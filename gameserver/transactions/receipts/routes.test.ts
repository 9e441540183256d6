import { afterAll, beforeAll, expect, it } from "vitest";
import type { Callers } from "../../../platform/callers.ts";
import { createHttpServer, type TypedServer } from "../../../platform/http.ts";
import { silentLog } from "../../../platform/log.ts";
import { createRegistry } from "../../../platform/metrics.ts";
import type { Receipts } from "./receipts.ts";
import { addReceiptRoutes } from "./routes.ts";

const ID = "ff000000-0000-8000-8000-000000000000";
const receipts = {
  take: async () => ({ id: ID, answer: { status: "pending" } }),
  receive: async () => {},
} as unknown as Receipts;
const callers = { authenticate: () => "test" } as unknown as Callers;
const servers: TypedServer[] = [];

async function serverWith(own: Callers | undefined): Promise<TypedServer> {
  const server = await createHttpServer({
    name: "t",
    version: "1",
    log: silentLog(),
    registry: createRegistry(),
  });
  addReceiptRoutes(server, () => receipts, own);
  servers.push(server);
  return server;
}
let both: TypedServer;
beforeAll(async () => {
  both = await serverWith(callers);
});
afterAll(() => Promise.all(servers.map((server) => server.close())));

const shown = { store: "apple", player: "ann", token: "1" };

it("what is not settled yet is told as accepted", async () => {
  const answer = await both.inject({ method: "POST", url: "/v1/receipts", payload: shown });
  expect(answer.statusCode).toBe(202);
  expect(answer.json()).toEqual({ id: ID, status: "pending" });
});

it("without callers only events are taken", async () => {
  const server = await serverWith(undefined);
  expect((await server.inject({ method: "POST", url: "/v1/receipts", payload: shown })).statusCode).toBe(404);
  expect((await server.inject({ method: "POST", url: "/v1/webhooks/apple", payload: {} })).statusCode).toBe(
    200,
  );
});

it("stands in the description of the API", async () => {
  const { paths } = (await both.inject("/openapi.json")).json() as { paths: Record<string, object> };
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(["/v1/receipts", "/v1/webhooks/{store}", "/v1/players/{player}/subscriptions"]),
  );
});
