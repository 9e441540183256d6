/**
 * Giving a place: choose, sign, take the seats; when they were taken by somebody else meanwhile, choose again.
 *
 * With a request key the order matters: the tickets are signed before the seats are taken, because the answer is
 * stored with the seats in one step, so that a repeated request finds it. Without one, both go on at once. A ticket
 * whose seat was not taken is thrown away.
 */
import { randomUUID } from "node:crypto";
import { fail } from "../../platform/errors.ts";
import { secretToken, sha256, uuidv7 } from "../../platform/ids.ts";
import type { Redis } from "../../platform/redis.ts";
import { type FleetKey, keys, SessionRecord } from "../../protocol/directory.ts";
import { RESUME_TOKEN, TICKET_ISSUER, TICKET_SECONDS } from "../../protocol/ticket.ts";
import { choose, type Prefer, roomIn } from "./choose.ts";
import type { AllocateBody, Allocation, ResumeBody } from "./schemas.ts";
import type { Seats } from "./seats.ts";
import type { Signer } from "./signer.ts";
import type { FleetView, ViewServer } from "./view.ts";
import type { Views } from "./views.ts";
import type { ZoneMaker } from "./zone-maker.ts";

/** How often a place may be lost to somebody else before the answer is "full". */
const MAX_TRIES = 6;
/** Tries of them that go where players meet; the others go where there is most room. */
const MEETING_TRIES = 2;

export interface AllocatorParts {
  readonly redis: Redis;
  readonly views: Views;
  readonly seats: Seats;
  readonly signer: Signer;
  readonly zones: ZoneMaker;
  readonly random: () => number;
}

interface Target {
  readonly server: ViewServer;
  readonly zone: string;
  readonly capacity: number;
}

interface Person {
  readonly player: string;
  readonly session: string;
  readonly resumeToken: string | undefined;
  readonly resumeHash: string;
}

const fleetKey = (body: { namespace: string; fleet: string }): FleetKey => `${body.namespace}/${body.fleet}`;

export async function viewOf(views: Views, key: FleetKey): Promise<FleetView> {
  const view = await views.get(key);
  if (!view) throw fail("FLEET_NOT_FOUND", `fleet: there is no fleet ${key}`);
  return view;
}

export async function allocate(parts: AllocatorParts, body: AllocateBody): Promise<Allocation> {
  const key = fleetKey(body);
  const people = body.players.map(newPerson);
  const { requestKey } = body;
  const parameters = requestKey ? sha256(JSON.stringify({ ...body, requestKey: undefined })) : "";
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const { target, free } = await hold(parts, key, body, attempt < MEETING_TRIES ? "fullest" : "roomiest");
    const signing = signAll(parts, key, target, people, body);
    const request = requestKey
      ? { key: requestKey, body: JSON.stringify({ parameters, answer: await signing }) }
      : undefined;
    const taking = parts.seats.take({
      fleet: key,
      server: target.server.name,
      zone: target.zone,
      zoneCapacity: target.capacity,
      serverCapacity: target.server.capacity,
      sessions: people.map((person) => recordOf(person, target, body)),
      ...(request ? { request } : {}),
    });
    const [answer, seats] = await Promise.all([signing, taking]);
    if (seats.result === "taken") return answer;
    free();
    if (seats.result === "again") return replay(seats.body, parameters);
    const view = await viewOf(parts.views, key);
    if (seats.result === "zone-full") view.markFull(target.zone);
    else view.markServerFull(target.server.name);
    if (body.zone !== undefined) throw zoneFull(body.zone, target.capacity);
  }
  throw fleetFull(key);
}

function newPerson(player: string): Person {
  const session = uuidv7();
  const resumeToken = `${session}.${secretToken()}`;
  return { player, session, resumeToken, resumeHash: sha256(resumeToken) };
}

/** What of a request, or of an earlier record, goes into ticket and directory. */
type Given = Pick<SessionRecord, "party" | "role" | "played">;

const given = ({ party, role }: Given): Pick<Given, "party" | "role"> => ({
  ...(party ? { party } : {}),
  ...(role === "spectator" ? { role } : {}),
});

const recordOf = (person: Person, target: Target, asked: Given): SessionRecord => ({
  session: person.session,
  player: person.player,
  zone: target.zone,
  server: target.server.name,
  resumeHash: person.resumeHash,
  ...given(asked),
  ...(asked.played ? { played: true } : {}),
});

function replay(stored: string, parameters: string): Allocation {
  const old = JSON.parse(stored) as { parameters: string; answer: Allocation };
  if (old.parameters !== parameters) {
    throw fail(
      "IDEMPOTENCY_CONFLICT",
      "requestKey: was used within the last 60 s with other parameters; use a new key",
    );
  }
  return old.answer;
}

const zoneFull = (zone: string, capacity: number) =>
  fail("ZONE_FULL", `zone: ${zone} has no room (${capacity} places); try another or later`, {
    retryAfterSeconds: 2,
  });
const fleetFull = (key: FleetKey) =>
  fail("FLEET_FULL", `fleet: ${key} has no place; try later`, { retryAfterSeconds: 2 });

/**
 * Chooses and counts what is chosen as taken, in one turn of the event loop: who asks next must not choose the same
 * seat. `free` counts it as free again.
 */
async function hold(
  { views, zones, random }: AllocatorParts,
  key: FleetKey,
  body: AllocateBody,
  prefer: Prefer,
) {
  const count = body.players.length;
  const held = (target: Target) => ({
    target,
    free: views.hold(key, { server: target.server.name, zone: target.zone, count }),
  });
  for (;;) {
    const view = await viewOf(views, key);
    if (body.zone !== undefined) {
      const target = targetOfZone(view, body.zone);
      const zone = view.zone(body.zone);
      if (zone && roomIn(zone) < count) throw zoneFull(zone.id, zone.capacity);
      return held(target);
    }
    const choice = choose(view, count, random, prefer);
    if (!choice) throw fleetFull(key);
    const { server } = choice;
    const zone = choice.kind === "zone" ? choice.zone : await zones.zoneOn(view, server);
    // A new zone may be full before we come to it: others waited for it as well.
    if (roomIn(zone) >= count) {
      const holding = held({ server, zone: zone.id, capacity: zone.capacity });
      zones.ahead(view, server);
      return holding;
    }
  }
}

/** The server of a named zone. Throws ZONE_NOT_FOUND, or ZONE_UNPLACED while its server cannot take players. */
function targetOfZone(view: FleetView, zone: string): Target {
  const server = view.byZone.get(zone);
  const served = view.zone(zone);
  if (!server || !served) {
    throw fail("ZONE_NOT_FOUND", `zone: no server of ${view.key} serves ${zone} now`, {
      retryAfterSeconds: 1,
    });
  }
  if (!server.usable || !served.open) {
    throw fail("ZONE_UNPLACED", `zone: ${zone} takes nobody in just now`, { retryAfterSeconds: 1 });
  }
  return { server, zone, capacity: served.capacity };
}

async function signAll(
  { signer }: AllocatorParts,
  fleet: FleetKey,
  target: Target,
  people: readonly Person[],
  asked: Given,
): Promise<Allocation> {
  const [namespace = "", name = ""] = fleet.split("/");
  const iat = Math.floor(Date.now() / 1_000);
  const exp = iat + TICKET_SECONDS;
  const signing = people.map((person) =>
    signer.sign({
      iss: TICKET_ISSUER,
      aud: `${namespace}/${target.server.name}`,
      jti: randomUUID(),
      sub: person.player,
      iat,
      exp,
      sid: person.session,
      zone: target.zone,
      fleet,
      rh: person.resumeHash,
      ...given(asked),
      ...(asked.played ? { back: true } : {}),
    }),
  );
  const tickets = await Promise.all(signing);
  return {
    namespace,
    fleet: name,
    server: target.server.name,
    zone: target.zone,
    address: target.server.address,
    port: target.server.port,
    expiresAt: new Date(exp * 1_000).toISOString(),
    sessions: people.map((person, index) => ({
      player: person.player,
      session: person.session,
      ticket: tickets[index] ?? "",
      resumeToken: person.resumeToken ?? "",
    })),
  };
}

/** The record of a session. Throws SESSION_NOT_FOUND. */
export async function findSession(redis: Redis, fleet: FleetKey, session: string): Promise<SessionRecord> {
  const text = await redis.get(keys.session(fleet, session));
  if (text === null) throw fail("SESSION_NOT_FOUND", `session: ${session} is not known in fleet ${fleet}`);
  return SessionRecord.parse(JSON.parse(text));
}

/**
 * A new ticket for a player who lost the connection: to the server that has the zone now. The resume token is the
 * player's proof; it stays the same. Throws RESUME_REFUSED for a wrong one, and never says whether a session exists.
 */
export async function resume(parts: AllocatorParts, body: ResumeBody): Promise<Allocation> {
  const key = fleetKey(body);
  const session = RESUME_TOKEN.exec(body.resumeToken)?.[1] ?? "";
  const refused = fail(
    "RESUME_REFUSED",
    "resumeToken: is not that of a session of this fleet; allocate anew",
  );
  const text = await parts.redis.get(keys.session(key, session));
  const record = text === null ? undefined : SessionRecord.parse(JSON.parse(text));
  if (!record || record.resumeHash !== sha256(body.resumeToken)) throw refused;
  const person = {
    player: record.player,
    session,
    resumeToken: body.resumeToken,
    resumeHash: record.resumeHash,
  };
  const view = await viewOf(parts.views, key);
  const target = targetOfZone(view, record.zone);
  const taking = parts.seats.take({
    fleet: key,
    server: target.server.name,
    zone: target.zone,
    zoneCapacity: target.capacity,
    serverCapacity: target.server.capacity,
    sessions: [recordOf(person, target, record)],
  });
  const [answer, seats] = await Promise.all([signAll(parts, key, target, [person], record), taking]);
  if (seats.result !== "taken") throw zoneFull(target.zone, target.capacity);
  return answer;
}

/** Ends a session's claim to its place. The pod is not told: a player who plays keeps the seat by playing. */
export async function release(parts: AllocatorParts, fleet: FleetKey, session: string): Promise<void> {
  await parts.seats.release(fleet, await findSession(parts.redis, fleet, session));
}
