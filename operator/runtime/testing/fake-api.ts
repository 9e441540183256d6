/**
 * An API server in this process that can be told to misbehave. Plain HTTP on loopback. For faults only: never
 * to stand in for validation, defaults or apply.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { type KubeObject, keyOfRef } from "../../api/objects.ts";
import type { CredentialsSource } from "../../kube/credentials.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { serveWatch } from "./fake-watch.ts";
import { type Faults, noFaults } from "./faults.ts";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export class FakeApi {
  readonly cluster = new FakeCluster();
  readonly seen: Seen[] = [];
  faults: Faults = noFaults;
  /** Answers a request in place of the server; false leaves it alone. */
  intercept: (request: Seen, response: ServerResponse) => boolean = () => false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connections = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("connection", (socket: Socket) => {
      this.#connections += 1;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<FakeApi> {
    const api = new FakeApi();
    await new Promise<void>((resolve) => api.#server.listen(0, "127.0.0.1", resolve));
    return api;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections accepted so far. */
  get connections(): number {
    return this.#connections;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  readonly credentials: CredentialsSource = () =>
    Promise.resolve({ origin: `http://127.0.0.1:${this.port}`, basePath: "", headers: {}, tls: {} });

  /** Resets every connection. */
  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    this.resetAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://fake");
    const body = await text(request).catch(() => "");
    const seen: Seen = {
      method: request.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
    };
    this.seen.push(seen);
    response.on("error", () => {});
    if (this.intercept(seen, response)) return;
    const target = parsePath(url.pathname);
    if (seen.method === "GET" && target.name === undefined)
      return this.#collection(seen, target.plural, response);
    this.#object(seen, target, response);
  }

  async #collection(seen: Seen, plural: string, response: ServerResponse): Promise<void> {
    const watch = seen.query.get("watch") === "true";
    const fault = watch ? this.faults.onWatch() : this.faults.onList();
    if (fault?.delayMs !== undefined) await delay(fault.delayMs);
    if (fault?.reset) return void response.socket?.resetAndDestroy();
    if (fault?.status !== undefined) return fail(response, fault.status, fault.retryAfter);
    if (watch) return serveWatch(this.cluster, plural, seen.query, this.faults.stream(), response);
    this.#list(seen, plural, response, fault?.torn === true);
  }

  /** Pages by offset; a token names the version it began at, and expires with it. */
  #list(seen: Seen, plural: string, response: ServerResponse, torn: boolean): void {
    const [from, version] = (seen.query.get("continue") ?? `0:${this.cluster.version}`)
      .split(":")
      .map(Number);
    const start = from ?? 0;
    if (version !== this.cluster.version) return fail(response, 410);
    const limit = Number(seen.query.get("limit") ?? 1e9);
    const all = this.cluster.list(plural);
    const items = all.slice(start, start + limit);
    const next = start + limit < all.length ? `${start + limit}:${version}` : "";
    const page = JSON.stringify({ metadata: { resourceVersion: String(version), continue: next }, items });
    if (!torn) return answer(response, 200, page);
    response.writeHead(200, { "content-type": "application/json", "content-length": page.length });
    response.write(page.slice(0, page.length / 2), () => response.socket?.resetAndDestroy());
  }

  #object(seen: Seen, target: Target, response: ServerResponse): void {
    const key = keyOfRef({ namespace: target.namespace, name: target.name ?? "" });
    const stored = this.cluster.get(target.plural, key);
    const sent = seen.body === "" ? undefined : (JSON.parse(seen.body) as KubeObject);
    if (seen.method === "POST" && sent !== undefined) {
      const taken = this.cluster.get(target.plural, keyOfRef({ ...target, name: sent.metadata.name }));
      if (taken !== undefined) return fail(response, 409, undefined, "AlreadyExists");
      return answer(response, 201, JSON.stringify(this.cluster.put(target.plural, sent)));
    }
    if (stored === undefined) return fail(response, 404);
    if (seen.method === "GET") return answer(response, 200, JSON.stringify(stored));
    if (seen.method === "DELETE")
      return answer(response, 200, JSON.stringify(this.cluster.remove(target.plural, key)));
    const version = sent?.metadata?.resourceVersion;
    if (version !== undefined && version !== stored.metadata.resourceVersion) return fail(response, 409);
    answer(
      response,
      200,
      JSON.stringify(this.cluster.put(target.plural, { ...stored, ...sent, metadata: stored.metadata })),
    );
  }
}

interface Target {
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

function parsePath(path: string): Target {
  const parts = path.split("/").filter((part) => part !== "");
  const rest = parts.slice(parts[0] === "api" ? 2 : 3);
  const namespaced = rest[0] === "namespaces" && rest.length > 2;
  const [plural = "", name] = namespaced ? rest.slice(2) : rest;
  return { plural, namespace: namespaced ? rest[1] : undefined, name };
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(body);
}

const REASONS: Record<number, string> = {
  401: "Unauthorized",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
};

function fail(response: ServerResponse, status: number, retryAfter?: number, reason = REASONS[status]): void {
  if (retryAfter !== undefined) response.setHeader("retry-after", String(retryAfter));
  answer(
    response,
    status,
    JSON.stringify({ kind: "Status", code: status, reason: reason ?? "InternalError", message: "fake" }),
  );
}
