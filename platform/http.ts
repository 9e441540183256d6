/**
 * The HTTP server every process shares: fastify with zod schemas, problem+json errors (RFC 9457), limits on
 * body and time, probes, metrics and OpenAPI.
 *
 * Promise: whatever goes wrong, the answer is `application/problem+json` with a stable `code`; a bug answers 500
 * with code INTERNAL and says nothing of its insides.
 */
import swagger from "@fastify/swagger";
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from "@fastify/type-provider-zod";
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  LogController,
} from "fastify";
import { ERRORS, type ErrorCode, fail, GamefleetError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Registry } from "./metrics.ts";
import { isStoreAway } from "./store-errors.ts";

/** Names what is wrong, or undefined when all is well. Must answer at once: no I/O. */
export type Check = () => string | undefined;

export interface HttpOptions {
  readonly name: string;
  readonly version: string;
  readonly log: Log;
  readonly registry: Registry;
  /** `/healthz`: is the process itself sound? Restarted when not, so nothing outside may fail it. */
  readonly healthy?: Check;
  /** `/readyz`: may new work come here? */
  readonly ready?: Check;
  /** Largest body in bytes. Default 64 KiB. */
  readonly bodyLimit?: number;
}

export type TypedServer = ReturnType<typeof typed>;

const typed = (server: FastifyInstance) => server.withTypeProvider<ZodTypeProvider>();

/** Fastify's own error codes, as ours. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "BODY_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "MEDIA_TYPE_UNSUPPORTED",
  FST_ERR_CTP_EMPTY_JSON_BODY: "REQUEST_INVALID",
  FST_ERR_CTP_INVALID_JSON_BODY: "REQUEST_INVALID",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "REQUEST_INVALID",
};

/** Turns anything that was thrown into an error of the table; the second value says whether it is a bug. */
export function toProblem(error: unknown): [GamefleetError, boolean] {
  if (error instanceof GamefleetError) return [error, false];
  // Anything can be thrown, undefined too.
  const known = (error ?? {}) as Partial<FastifyError>;
  if (Array.isArray(known.validation)) {
    const where = known.validationContext ?? "request";
    const fields: Record<string, string> = {};
    for (const item of known.validation) {
      const path = (item.instancePath ?? "").replace(/^\//, "").replaceAll("/", ".");
      fields[path || where] = item.message ?? "is invalid";
    }
    const list = Object.entries(fields).map(([field, problem]) => `${field}: ${problem}`);
    return [fail("REQUEST_INVALID", `${where}: ${list.join("; ")}`, { fields }), false];
  }
  const mapped = FASTIFY_CODES[known.code ?? ""];
  if (mapped) return [fail(mapped, known.message ?? ERRORS[mapped].title), false];
  if (known.statusCode === 429) return [fail("RATE_LIMITED", known.message ?? "slow down"), false];
  if (known.statusCode !== undefined && known.statusCode >= 400 && known.statusCode < 500) {
    return [fail("REQUEST_INVALID", known.message ?? "invalid request"), false];
  }
  if (isStoreAway(error)) {
    const detail = "a store is not reachable just now; try again";
    return [fail("STORE_UNAVAILABLE", detail, { cause: error, retryAfterSeconds: 1 }), false];
  }
  return [fail("INTERNAL", "an unexpected error; the log has the details", { cause: error }), true];
}

function sendProblem(reply: FastifyReply, error: GamefleetError, requestId: string): FastifyReply {
  if (error.retryAfterSeconds !== undefined)
    void reply.header("retry-after", Math.ceil(error.retryAfterSeconds));
  const body = {
    type: `https://gamefleet.dev/errors/${error.code.toLowerCase().replaceAll("_", "-")}`,
    title: ERRORS[error.code].title,
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(error.fields ? { fields: error.fields } : {}),
    requestId,
  };
  // Serialised here: a route's response schema speaks of its success only.
  return reply.status(error.status).type("application/problem+json").serializer(JSON.stringify).send(body);
}

/** Makes the server; the caller adds routes, then listens, and closes it. */
export async function createHttpServer(options: HttpOptions): Promise<TypedServer> {
  const server = fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    // A line a request is the business of a proxy; ours say what went wrong.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimit ?? 64 * 1024,
    requestTimeout: 10_000,
    connectionTimeout: 60_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    // What fails before a route is found (a path that is not UTF-8) passes the error handler by.
    frameworkErrors: (error, request, reply) => {
      void sendProblem(reply, toProblem(error)[0], request.id);
    },
  });
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setNotFoundHandler((request, reply) =>
    sendProblem(reply, fail("ROUTE_NOT_FOUND", `no route ${request.method} ${request.url}`), request.id),
  );
  server.setErrorHandler((error, request, reply) => {
    const [problem, bug] = toProblem(error);
    if (bug) request.log.error({ err: error, route: request.routeOptions.url }, "request failed by a bug");
    return sendProblem(reply, problem, request.id);
  });
  await server.register(swagger, {
    openapi: {
      info: { title: options.name, version: options.version },
      components: { securitySchemes: { service: { type: "http", scheme: "bearer" } } },
    },
    transform: jsonSchemaTransform,
  });
  addProbes(server, options);
  return typed(server);
}

function addProbes(server: FastifyInstance, options: HttpOptions): void {
  const hide = { schema: { hide: true } };
  const probe = (check: Check | undefined) => (_request: unknown, reply: FastifyReply) => {
    const problem = check?.();
    return reply
      .status(problem === undefined ? 200 : 503)
      .type("text/plain")
      .send(problem ?? "ok");
  };
  server.get("/healthz", hide, probe(options.healthy));
  server.get("/readyz", hide, probe(options.ready));
  server.get("/metrics", hide, async (_request, reply) =>
    reply.type(options.registry.contentType).send(await options.registry.metrics()),
  );
  server.get("/openapi.json", hide, () => (server as unknown as { swagger: () => object }).swagger());
}
