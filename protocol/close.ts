/**
 * WebSocket close codes of gamefleet (4000–4099, the private range of RFC 6455 §7.4.2).
 *
 * Promise: a code never changes its meaning. `resumable` tells a client what to do next: true means "the session
 * lives on (or moves): ask again, with the resume token or through the allocator"; false means "this ended, do
 * not retry by yourself". Standard codes (1000, 1002, 1003, 1007, 1009 …) are used as the RFC says and are never
 * resumable by themselves, except 1001 and 1006, which say nothing about the session.
 */

interface CloseKind {
  readonly name: string;
  readonly meaning: string;
  readonly resumable: boolean;
}

export const CLOSE = {
  shutdown: 4000,
  ticketInvalid: 4001,
  frameMalformed: 4002,
  rateLimited: 4003,
  slowReader: 4004,
  idle: 4005,
  replaced: 4006,
  serverFull: 4007,
  zoneMoved: 4008,
  helloTimeout: 4009,
  draining: 4010,
  resumeRefused: 4011,
  storeAway: 4012,
  left: 4013,
  internal: 4014,
  versionUnsupported: 4015,
  zoneEnded: 4016,
  silent: 4017,
} as const;

export type CloseName = keyof typeof CLOSE;
export type CloseCode = (typeof CLOSE)[CloseName];

export const CLOSE_CODES: Readonly<Record<CloseCode, CloseKind>> = {
  4000: {
    name: "shutdown",
    meaning: "the server stops; the session can be resumed elsewhere",
    resumable: true,
  },
  4001: {
    name: "ticketInvalid",
    meaning: "the ticket is wrong, expired, used, or for another server",
    resumable: false,
  },
  4002: { name: "frameMalformed", meaning: "a frame could not be read", resumable: false },
  4003: { name: "rateLimited", meaning: "too many messages or bytes", resumable: true },
  4004: { name: "slowReader", meaning: "the client did not read for too long", resumable: true },
  4005: { name: "idle", meaning: "nothing was heard for too long; the session has ended", resumable: false },
  4006: { name: "replaced", meaning: "a newer connection took the session over", resumable: false },
  4007: { name: "serverFull", meaning: "no place; ask the allocator again", resumable: true },
  4008: {
    name: "zoneMoved",
    meaning: "the zone is served elsewhere; ask the allocator where",
    resumable: true,
  },
  4009: { name: "helloTimeout", meaning: "no HELLO within the time allowed", resumable: false },
  4010: {
    name: "draining",
    meaning: "the server takes nobody new; ask the allocator again",
    resumable: true,
  },
  4011: { name: "resumeRefused", meaning: "unknown session or wrong resume token", resumable: false },
  4012: { name: "storeAway", meaning: "a store needed for joining is away; try again soon", resumable: true },
  4013: { name: "left", meaning: "the player left; the session has ended", resumable: false },
  4014: { name: "internal", meaning: "an error inside the server", resumable: true },
  4015: {
    name: "versionUnsupported",
    meaning: "this server does not speak that protocol version",
    resumable: false,
  },
  4017: {
    name: "silent",
    meaning: "nothing was heard on this line for too long; the session lives on for a while",
    resumable: true,
  },
  4016: { name: "zoneEnded", meaning: "the match or room is over; the session has ended", resumable: false },
};

/** What a code means, or undefined for codes that are not ours. */
export function closeKind(code: number): CloseKind | undefined {
  return (CLOSE_CODES as Readonly<Record<number, CloseKind>>)[code];
}

/** Whether a client should try to carry on its session after `code`. */
export function isResumable(code: number): boolean {
  // 1001 "going away", 1006 "no close frame seen": the line broke, the session did not.
  return closeKind(code)?.resumable ?? (code === 1001 || code === 1006);
}
