import { describe, expect, it } from "vitest";
import { sha256 } from "../../platform/ids.ts";
import { CLOSE } from "../../protocol/close.ts";
import { sweepSilent } from "../control/sweep.ts";
import type { OpenZone, Zones } from "../control/zones.ts";
import { type Grant, type SessionHost, Sessions } from "./sessions.ts";

/** A pod of fakes that writes down what it is told; `pause` holds back the answers of I/O threads. */
function pod({ capacity = 10, refuses = false } = {}) {
  const log: string[] = [];
  const seats: (string | undefined)[] = [undefined, undefined, undefined];
  const zone = { id: "sol", index: 1, epoch: 3, seats, open: true, memory: { heardAt: new Uint32Array(3) } };
  const state = { closed: undefined as ReturnType<SessionHost["closed"]>, gate: Promise.resolve() };
  const transport = (thread: number) => ({
    admit: ({ session, connection, carry }: { session: string; connection: number; carry: unknown }) => {
      log.push(`admit ${session} to ${thread}/${connection}${carry ? " carrying" : ""}`);
    },
    release: async (session: string, code: number) => {
      await state.gate;
      log.push(`release ${session} from ${thread} ${code}`);
      return { seq: 1, kept: [], forgotten: 0, cursor: 0 };
    },
  });
  const sessions = new Sessions({
    zones: {
      seat: (_zone: unknown, session: string) => {
        const slot = seats.indexOf(undefined);
        seats[slot] = session;
        return slot;
      },
      unseat: (_zone: unknown, slot: number) => {
        seats[slot] = undefined;
      },
    } as unknown as Zones,
    simulation: {
      join: async (_index, slot) => {
        await sweepSilent({ list: () => [zone as unknown as OpenZone] }, sessions);
        return refuses ? undefined : 100 + slot;
      },
      leave: (_index, slot) => log.push(`leave ${slot}`),
    },
    transports: [transport(0), transport(1)],
    capacity,
    welcome: {} as SessionHost["welcome"],
    verify: async (token) => JSON.parse(token) as Grant,
    zone: async () => zone as unknown as OpenZone,
    closed: () => state.closed,
    onJoined: (session) => log.push(`joined ${session.session}`),
    onEnded: (session, code) => log.push(`ended ${session.session} ${code}`),
  });
  return { sessions, log, seats, state };
}

const grant = (session: string, over: Partial<Grant> = {}) =>
  JSON.stringify({
    session,
    player: session,
    zone: "sol",
    role: "player",
    back: false,
    resumeHash: sha256(`${session}.secret`),
    ...over,
  });
const hello = (connection: number, token: string, mode: "ticket" | "resume" = "ticket") =>
  ({ type: "hello", connection, mode, token, lastSeq: 0 }) as const;

describe("sessions", () => {
  it("are not taken for silent while they join, whoever had the seat before", async () => {
    const { sessions, log } = pod();
    expect(await sessions.hello(0, hello(1, grant("a")))).toBe("joined");
    expect(sessions.size).toBe(1);
    expect(log).toEqual(["admit a to 0/1", "joined a"]);
  });

  it("seat a spectator without putting anything into the world", async () => {
    const { sessions, log, seats } = pod();
    await sessions.hello(0, hello(1, grant("s", { role: "spectator" })));
    expect([sessions.get("s")?.entity, seats[0]]).toEqual([0, "s"]);
    await expect(sessions.hello(0, hello(2, grant("s")))).rejects.toThrow("role");
    await sessions.end("s", 4_013);
    expect(log.filter((line) => line.startsWith("leave"))).toEqual([]);
    expect(seats[0]).toBeUndefined();
  });

  it("join, move to another thread when they come back there, and end in the right order", async () => {
    const { sessions, log, seats } = pod();
    expect(await sessions.hello(0, hello(1, grant("a")))).toBe("joined");
    sessions.gone(0, 1);
    expect(sessions.get("a")?.connection).toBeUndefined();
    expect(await sessions.hello(1, hello(5, "a.secret", "resume"))).toBe("resumed");
    expect(await sessions.hello(1, hello(6, grant("a")))).toBe("resumed");
    await sessions.end("a", CLOSE.left);
    expect(log).toEqual([
      "admit a to 0/1",
      "joined a",
      "release a from 0 4006",
      "admit a to 1/5 carrying",
      "admit a to 1/6",
      "release a from 1 4013",
      "leave 0",
      "ended a 4013",
    ]);
    expect([sessions.size, seats[0]]).toEqual([0, undefined]);
  });

  it("of two that come at once are done one after the other", async () => {
    const { sessions, log, state } = pod();
    await sessions.hello(0, hello(1, grant("a")));
    let open = () => {};
    state.gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const both = [
      sessions.hello(1, hello(2, "a.secret", "resume")),
      sessions.hello(0, hello(3, "a.secret", "resume")),
      sessions.end("a", CLOSE.idle),
    ];
    open();
    await Promise.all(both);
    expect(log.slice(2)).toEqual([
      "release a from 0 4006",
      "admit a to 1/2 carrying",
      "release a from 1 4006",
      "admit a to 0/3 carrying",
      "release a from 0 4005",
      "leave 0",
      "ended a 4005",
    ]);
  });

  it("are never more than the pod holds, also when all come at once", async () => {
    const { sessions } = pod({ capacity: 2 });
    const results = await Promise.allSettled(
      ["a", "b", "c"].map((id, i) => sessions.hello(0, hello(i, grant(id)))),
    );
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(sessions.size).toBe(2);
  });

  it("leave no seat behind when the game refuses", async () => {
    const { sessions, seats } = pod({ refuses: true });
    await expect(sessions.hello(0, hello(1, grant("a")))).rejects.toMatchObject({ code: "ZONE_FULL" });
    expect(seats).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    ["a wrong resume token", "a.guess", "resume", undefined, "RESUME_REFUSED"],
    ["an unknown session", "b.secret", "resume", undefined, "SESSION_NOT_FOUND"],
    ["another player's ticket for it", grant("a", { player: "eve" }), "ticket", undefined, "TICKET_INVALID"],
    ["a newcomer while draining", grant("b"), "ticket", "SERVER_DRAINING", "SERVER_DRAINING"],
    ["a newcomer while overloaded", grant("b"), "ticket", "SERVER_OVERLOADED", "SERVER_OVERLOADED"],
    [
      "even who comes back while memory is low",
      grant("b", { back: true }),
      "ticket",
      "MEMORY_LOW",
      "MEMORY_LOW",
    ],
    ["anyone while cut off", "a.secret", "resume", "STORE_UNAVAILABLE", "STORE_UNAVAILABLE"],
  ] as const)("refuse %s", async (_what, token, mode, closed, code) => {
    const { sessions, state } = pod();
    await sessions.hello(0, hello(1, grant("a")));
    state.closed = closed;
    await expect(sessions.hello(0, hello(2, token, mode))).rejects.toMatchObject({ code });
  });

  it("that played elsewhere come back although the server is overloaded: theirs has died", async () => {
    const { sessions, state } = pod();
    state.closed = "SERVER_OVERLOADED";
    expect(await sessions.hello(0, hello(1, grant("a", { back: true })))).toBe("joined");
  });

  it("that are here may come back while draining", async () => {
    const { sessions, state } = pod();
    await sessions.hello(0, hello(1, grant("a")));
    state.closed = "SERVER_DRAINING";
    expect(await sessions.hello(0, hello(2, "a.secret", "resume"))).toBe("resumed");
  });
});
