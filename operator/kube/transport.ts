/**
 * One call to the API server: deadline, bounded retry, bounded writes in flight, metrics, errors of one kind.
 *
 * Promise: a call settles within its time-out times its few retries; it never leaves a timer, listener or
 * socket behind; it throws `ApiError`, `TIMEOUT`, `ABORTED` or what its guard threw. Bodies are raw JSON.
 */
import type { Dispatcher } from "undici";
import { sleep } from "../../platform/background.ts";
import { fail, GamefleetError } from "../../platform/errors.ts";
import { type Counter, counter, type Histogram, histogram, type Registry } from "../../platform/metrics.ts";
import { Connections, type PoolName } from "./connections.ts";
import type { CredentialsSource } from "./credentials.ts";
import { withDeadline } from "./deadline.ts";
import { apiErrorFrom, connectionError } from "./errors.ts";
import { type Guard, sendGuarded } from "./guard.ts";
import { Limiter } from "./limiter.ts";
import { retryDelayMs } from "./retry.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface KubeRequest {
  readonly method: Method;
  /** From the root of the API, with its leading slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Media type of the body. Default `application/json`; patches say their kind with it. */
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  /** Longest wait for one try, ms. Default 10,000. For a stream: until its first byte may follow. */
  readonly timeoutMs?: number | undefined;
  readonly pool?: PoolName | undefined;
  /** False: one try only, for callers with a loop of their own. */
  readonly retry?: boolean | undefined;
  /** Called right before a write goes to the socket; what it throws stops the write. */
  readonly guard?: Guard | undefined;
}

export interface Transport {
  /** The decoded answer. */
  request(request: KubeRequest): Promise<unknown>;
  /** The answer's bytes as they arrive, until the server ends it or the request's signal aborts. Never retried. */
  stream(request: KubeRequest): Promise<AsyncIterable<Uint8Array>>;
  /** Ends all connections; calls under way fail. */
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly credentials: CredentialsSource;
  readonly registry: Registry;
  /** `name/version`, shown in the API server's audit log. */
  readonly userAgent?: string;
  /** Default 32: more in flight only adds latency. */
  readonly maxWritesInFlight?: number;
}

interface Wire {
  readonly connections: Connections;
  readonly userAgent: string;
  readonly requests: Counter<"code" | "method" | "host">;
  readonly durations: Histogram<"verb" | "host">;
}

const TIMEOUT_MS = 10_000;

export function createTransport(options: TransportOptions): Transport {
  const wire: Wire = {
    connections: new Connections(options.credentials),
    userAgent: options.userAgent ?? "gamefleet",
    requests: counter(options.registry, "rest_client_requests_total", "Calls to the API server by result", [
      "code",
      "method",
      "host",
    ]),
    durations: histogram(
      options.registry,
      "rest_client_request_duration_seconds",
      "Time of calls to the API server, each try",
      ["verb", "host"],
    ),
  };
  const writes = new Limiter(options.maxWritesInFlight ?? 32);
  return {
    request: (request) => withRetry(request, () => once(wire, writes, request)),
    stream: (request) => openStream(wire, request),
    close: () => wire.connections.close(),
  };
}

/** The same transport with a guard on every write, so that a controller cannot forget it. */
export function guarded(transport: Transport, guard: Guard): Transport {
  return { ...transport, request: (request) => transport.request({ ...request, guard }) };
}

async function withRetry(request: KubeRequest, attempt: () => Promise<unknown>): Promise<unknown> {
  for (let retries = 0; ; retries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const delay =
        request.retry === false
          ? undefined
          : retryDelayMs(error, { idempotent: isIdempotent(request), retries });
      if (delay === undefined || request.signal?.aborted) throw error;
      await sleep(delay, request.signal ?? new AbortController().signal);
      if (request.signal?.aborted) throw error;
    }
  }
}

/** A JSON patch may append or test what it changed itself; the other patches state the outcome. */
function isIdempotent(request: KubeRequest): boolean {
  return request.method !== "POST" && request.contentType !== "application/json-patch+json";
}

async function once(wire: Wire, writes: Limiter, request: KubeRequest): Promise<unknown> {
  const what = `${request.method} ${request.path}`;
  return withDeadline(what, request.timeoutMs ?? TIMEOUT_MS, request.signal, async (signal) => {
    const call = async (): Promise<unknown> => {
      const response = await send(wire, request, what, signal);
      const text = await response.body.text().catch((error: unknown) => {
        throw connectionError(what, error);
      });
      return decode(what, text);
    };
    // Renewing the lease must not queue behind the work it protects.
    const limited = request.method !== "GET" && request.pool !== "lease";
    return limited ? writes.run(call, signal) : call();
  });
}

async function openStream(wire: Wire, request: KubeRequest): Promise<AsyncIterable<Uint8Array>> {
  const what = `WATCH ${request.path}`;
  const ms = request.timeoutMs ?? TIMEOUT_MS;
  const life = new AbortController();
  const abort = (): void =>
    life.abort(fail("ABORTED", `${what}: stopped`, { cause: request.signal?.reason }));
  const release = (): void => request.signal?.removeEventListener("abort", abort);
  // Only the head of the answer has a deadline; how long a stream may be silent is its reader's affair.
  const timer = setTimeout(() => life.abort(fail("TIMEOUT", `${what}: no answer within ${ms} ms`)), ms);
  if (request.signal?.aborted) abort();
  request.signal?.addEventListener("abort", abort, { once: true });
  try {
    const response = await send(wire, request, what, life.signal);
    response.body.once("close", release);
    return chunksOf(response.body, what, life.signal);
  } catch (error) {
    release();
    throw life.signal.aborted ? life.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

/** The body's chunks, with errors of our own kind: a reset in mid-stream is a connection that failed. */
async function* chunksOf(
  body: AsyncIterable<Uint8Array>,
  what: string,
  life: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw life.aborted ? life.reason : connectionError(what, error);
  }
}

/** Sends and waits for the head of the answer; throws unless it is a success. */
async function send(
  wire: Wire,
  request: KubeRequest,
  what: string,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const { dispatcher, credentials } = await wire.connections.line(request.pool ?? "main");
  const host = new URL(credentials.origin).host;
  const stop = wire.durations.startTimer({ verb: request.method, host });
  const count = (code: string): void => wire.requests.inc({ code, method: request.method, host });
  let response: Dispatcher.ResponseData;
  try {
    response = await sendGuarded(dispatcher, request.method === "GET" ? undefined : request.guard, {
      method: request.method,
      path: credentials.basePath + request.path + queryString(request.query),
      headers: headersFor(request, credentials.headers, wire.userAgent),
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal,
    });
  } catch (error) {
    // A guard's refusal passes through, and is no call: nothing was sent.
    if (error instanceof GamefleetError && !signal.aborted) throw error;
    count("<error>");
    throw signal.aborted ? error : connectionError(what, error);
  } finally {
    stop();
  }
  count(String(response.statusCode));
  if (response.statusCode < 300) return response;
  if (response.statusCode === 401) wire.connections.distrust();
  const text = await response.body.text().catch(() => "");
  const retryAfter = response.headers["retry-after"];
  throw apiErrorFrom(
    what,
    response.statusCode,
    text,
    typeof retryAfter === "string" ? retryAfter : undefined,
  );
}

function headersFor(
  request: KubeRequest,
  credentials: Readonly<Record<string, string>>,
  userAgent: string,
): Record<string, string> {
  return {
    ...credentials,
    accept: "application/json",
    "user-agent": userAgent,
    ...(request.body !== undefined && { "content-type": request.contentType ?? "application/json" }),
  };
}

function queryString(query: KubeRequest["query"]): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  if (given.length === 0) return "";
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`;
}

function decode(what: string, text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw connectionError(`${what}: answer is not JSON`, error);
  }
}
