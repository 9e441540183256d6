/** The allocation API over HTTP. Described to callers by `/openapi.json`. */
import rateLimit from "@fastify/rate-limit";
import { z } from "zod";
import type { Callers } from "../../platform/callers.ts";
import { fail, hasCode } from "../../platform/errors.ts";
import type { TypedServer } from "../../platform/http.ts";
import type { Counter, Histogram } from "../../platform/metrics.ts";
import { type AllocatorParts, allocate, findSession, release, resume, viewOf } from "./allocate.ts";
import {
  AllocateBody,
  Allocation,
  FleetParams,
  Place,
  ResumeBody,
  ServerInfo,
  SessionParams,
} from "./schemas.ts";

export interface RouteOptions {
  readonly parts: AllocatorParts;
  readonly callers: Callers;
  readonly allocations: Counter<"result">;
  readonly seconds: Histogram;
  readonly ratePerCaller: number;
  readonly ratePerAddress: number;
}

export async function addRoutes(server: TypedServer, options: RouteOptions): Promise<void> {
  const { parts, callers } = options;
  await server.register(rateLimit, { global: false });
  const limited = (max: number, keyOf: (authorization: string | undefined, ip: string) => string) => ({
    rateLimit: {
      max,
      timeWindow: 1_000,
      keyGenerator: (request: { headers: { authorization?: string | undefined }; ip: string }) =>
        keyOf(request.headers.authorization, request.ip),
      errorResponseBuilder: () =>
        fail("RATE_LIMITED", `at most ${max} requests a second`, { retryAfterSeconds: 1 }),
    },
  });
  const perCaller = limited(options.ratePerCaller, (authorization, ip) => authorization ?? ip);
  const perAddress = limited(options.ratePerAddress, (_authorization, ip) => ip);
  const { onRequest } = callers;
  const security = [{ service: [] }];
  const fleetOf = ({ namespace, fleet }: z.infer<typeof FleetParams>) => `${namespace}/${fleet}`;

  server.route({
    method: "POST",
    url: "/v1/allocations",
    config: perCaller,
    onRequest,
    schema: {
      summary: "Give players a place",
      // Its answer is not checked against a schema on its way out: this is the way that is short of time.
      description: "Answered as POST /v1/sessions/resume is.",
      security,
      body: AllocateBody,
    },
    handler: async (request) => {
      const done = options.seconds.startTimer();
      try {
        const answer = await allocate(parts, request.body);
        options.allocations.inc({ result: "allocated" });
        return answer;
      } catch (error) {
        options.allocations.inc({ result: resultOf(error) });
        throw error;
      } finally {
        done();
      }
    },
  });

  server.route({
    method: "POST",
    url: "/v1/sessions/resume",
    config: perAddress,
    schema: {
      summary: "A new ticket for a player who lost the connection",
      body: ResumeBody,
      response: { 200: Allocation },
    },
    handler: (request) => resume(parts, request.body),
  });

  server.route({
    method: "GET",
    url: "/v1/fleets/:namespace/:fleet/sessions/:session",
    config: perCaller,
    onRequest,
    schema: { summary: "Where a session is", security, params: SessionParams, response: { 200: Place } },
    handler: async ({ params }) => {
      const record = await findSession(parts.redis, fleetOf(params), params.session);
      const view = await viewOf(parts.views, fleetOf(params));
      const now = view.byZone.get(record.zone) ?? view.byName.get(record.server);
      const { session, player, zone } = record;
      const where = { session, player, zone, server: now?.name ?? record.server };
      return now
        ? { ...where, address: now.address, port: now.port, state: now.state }
        : { ...where, state: "Unknown" };
    },
  });

  server.route({
    method: "DELETE",
    url: "/v1/fleets/:namespace/:fleet/sessions/:session",
    config: perCaller,
    onRequest,
    schema: { summary: "Give a place back", security, params: SessionParams, response: { 204: z.null() } },
    handler: async ({ params }, reply) => {
      await release(parts, fleetOf(params), params.session);
      return reply.status(204).send(null);
    },
  });

  server.route({
    method: "GET",
    url: "/v1/fleets/:namespace/:fleet/servers",
    config: perCaller,
    onRequest,
    schema: {
      summary: "The servers of a fleet and their load",
      security,
      params: FleetParams,
      response: { 200: z.object({ servers: z.array(ServerInfo).describe("All servers of the fleet.") }) },
    },
    handler: async ({ params }) => {
      const view = await viewOf(parts.views, fleetOf(params));
      const servers = view.servers.map((entry) => ({
        name: entry.name,
        state: entry.state,
        address: entry.address,
        port: entry.port,
        sessions: entry.taken,
        capacity: entry.capacity,
        cpuPercent: entry.cpuPercent,
        zones: entry.zones.map(({ id, kind, taken, capacity, open }) => ({
          id,
          kind,
          sessions: taken,
          capacity,
          open,
        })),
      }));
      return { servers };
    },
  });
}

function resultOf(error: unknown): string {
  for (const code of ["FLEET_FULL", "ZONE_FULL", "ZONE_UNPLACED", "IDEMPOTENCY_CONFLICT"] as const) {
    if (hasCode(error, code)) return code.toLowerCase();
  }
  return "error";
}
