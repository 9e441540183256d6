/**
 * The game's page and what it needs of a back end, on 127.0.0.1.
 *
 * A browser gets the very files of this repository as ES modules, types stripped on the way, so that there is no build
 * step. It never sees the service token: `POST /play` asks the allocator for a place on its behalf, and resuming goes
 * through here too, so that the page talks HTTP to one origin only. Players' frames go straight to the pods.
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import fastify, { type FastifyInstance, type FastifyReply } from "fastify";

const ROOT = new URL("../../", import.meta.url);
const PAGE = "/games/starlanes/web/";
/** What a browser may read: these folders, and in them only plain names. No path is ever joined from a request. */
const FOLDERS = [PAGE, "/client/", "/protocol/"] as const;
const PLAIN_NAME = /^[a-z0-9-]+\.(ts|html|css|svg)$/;
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ts: "text/javascript; charset=utf-8",
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};
const ALLOCATOR_TIMEOUT_MS = 5_000;

export interface WebServerOptions {
  readonly allocatorUrl: string;
  readonly token: string;
  readonly namespace: string;
  readonly fleet: string;
  /** 0, or a port that is taken, gives any free one. */
  readonly port: number;
}

export interface WebServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const server = fastify({ bodyLimit: 4_096, forceCloseConnections: true });
  server.addHook("onRequest", async ({ headers }, reply) => {
    // A page elsewhere whose name was made to point here (DNS rebinding) must not play in the user's name.
    if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? ""))
      await reply.status(403).send("not for this host");
    reply.header("cache-control", "no-store").header("x-content-type-options", "nosniff");
  });
  addFiles(server);
  addPlay(server, options);
  const listen = (port: number) => server.listen({ host: "127.0.0.1", port });
  const url = await listen(options.port).catch((error: unknown) => {
    if ((error as { code?: string }).code !== "EADDRINUSE") throw error;
    return listen(0);
  });
  return { url: `${url}/`, close: () => server.close() };
}

function addFiles(server: FastifyInstance): void {
  server.get("/", ({ url }, reply) => reply.redirect(PAGE + url.slice(1)));
  server.get(PAGE, (_request, reply) => sendFile(reply, PAGE, "index.html"));
  for (const folder of FOLDERS) {
    server.get<{ Params: { file: string } }>(`${folder}:file`, ({ params }, reply) =>
      sendFile(reply, folder, params.file),
    );
  }
}

async function sendFile(reply: FastifyReply, folder: string, file: string): Promise<FastifyReply> {
  const type = PLAIN_NAME.exec(file)?.[1];
  const text = type
    ? await readFile(new URL(`.${folder}${file}`, ROOT), "utf8").catch(() => undefined)
    : undefined;
  if (!type || text === undefined) return reply.status(404).type("text/plain").send("no such file");
  return reply
    .type(CONTENT_TYPES[type] ?? "text/plain")
    .send(type === "ts" ? stripTypeScriptTypes(text) : text);
}

function addPlay(server: FastifyInstance, { allocatorUrl, token, namespace, fleet }: WebServerOptions): void {
  const ask = async (
    reply: FastifyReply,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ) => {
    const answer = await fetch(`${allocatorUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ALLOCATOR_TIMEOUT_MS),
    }).catch((error: unknown) => error as Error);
    if (answer instanceof Error) {
      return reply.status(502).send({ detail: `the allocator does not answer: ${answer.message}` });
    }
    return reply
      .status(answer.status)
      .type(answer.headers.get("content-type") ?? "application/json")
      .send(await answer.text());
  };
  server.post<{ Body: { zone?: unknown } }>("/play", async ({ headers, body }, reply) => {
    // A form of a foreign page can post here, but not with this type, unless we allowed it by CORS; we don't.
    if (headers["content-type"] !== "application/json")
      return reply.status(415).send({ detail: "must be JSON" });
    const players = [`web-${randomUUID()}`];
    // The allocator judges the zone; nothing else of the browser's word goes on.
    const wanted = { namespace, fleet, players, zone: body?.zone };
    return ask(reply, "/v1/allocations", wanted, { authorization: `Bearer ${token}` });
  });
  server.post("/v1/sessions/resume", ({ body }, reply) => ask(reply, "/v1/sessions/resume", body));
}
