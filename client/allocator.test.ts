import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type AllocatorOptions, allocatorResume, NoPlaceYet, SessionOver } from "./allocator.ts";

let server: Server;
let options: AllocatorOptions;
let answer: { status: number; body: string };
let asked: { path: string | undefined; body: unknown }[];

beforeEach(async () => {
  asked = [];
  const take = async (request: IncomingMessage) => {
    asked.push({ path: `${request.method} ${request.url}`, body: JSON.parse(await text(request)) });
  };
  server = createServer((request, response) => {
    void take(request).then(() => {
      if (answer.status !== 0) response.writeHead(answer.status).end(answer.body);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  options = { url: `http://127.0.0.1:${port}`, namespace: "default", fleet: "lane" };
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const ask = (signal = new AbortController().signal) => allocatorResume(options)("s.secret", signal);

it("asks with fleet and resume token, and tells the place", async () => {
  const sessions = [{ ticket: "t2", resumeToken: "s.secret", session: "s", player: "ada" }];
  answer = { status: 200, body: JSON.stringify({ address: "10.0.0.2", port: 7001, sessions }) };
  await expect(ask()).resolves.toEqual({
    address: "10.0.0.2",
    port: 7001,
    ticket: "t2",
    resumeToken: "s.secret",
  });
  expect(asked).toEqual([
    {
      path: "POST /v1/sessions/resume",
      body: { namespace: "default", fleet: "lane", resumeToken: "s.secret" },
    },
  ]);
});

it("ends the session when the token is refused", async () => {
  answer = {
    status: 401,
    body: JSON.stringify({ code: "RESUME_REFUSED", detail: "is not that of a session" }),
  };
  const error = await ask().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SessionOver);
  expect(error).toMatchObject({ final: true, message: "is not that of a session" });
});

it("tells an allocator that says not yet", async () => {
  answer = { status: 503, body: JSON.stringify({ code: "ZONE_UNPLACED", detail: "being placed" }) };
  const error = await ask().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(NoPlaceYet);
  expect(error).toMatchObject({ answered: true, message: "being placed" });
});

it.each([
  [502, "<html>bad gateway</html>"],
  [503, "{}"],
])("takes a proxy's %i for no answer", async (status, body) => {
  answer = { status, body };
  const error = await ask().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toHaveProperty("answered");
  expect(error).not.toHaveProperty("final");
});

it("stops when it is told to", async () => {
  answer = { status: 0, body: "" };
  const stop = new AbortController();
  const waiting = ask(stop.signal);
  await once(server, "request");
  stop.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});
