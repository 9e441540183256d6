/** A player against a server that says exactly what the test wants, in virtual time. */
import { afterEach, beforeEach, vi } from "vitest";
import { connect, type Place, type Player, type PlayerOptions, type ResumePlace } from "../index.ts";
import { FakeServer } from "./fake-server.ts";

export const place: Place = { address: "10.0.0.1", port: 7000, ticket: "ticket-1", resumeToken: "s.secret" };
export const elsewhere: Place = { ...place, address: "10.0.0.2", port: 7001, ticket: "ticket-2" };

export let server: FakeServer;
export let player: Player;
export let states: string[];

/** Of each test of the file: virtual time, a server of its own, and a player that leaves nothing behind. */
export function inVirtualTime(): void {
  beforeEach(() => {
    const toFake = ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] as const;
    vi.useFakeTimers({ toFake: [...toFake] });
    server = new FakeServer();
  });
  afterEach(() => {
    player.close();
    if (vi.getTimerCount() > 0) throw new Error("a player that is closed has left timers behind");
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
}

export function start(options: PlayerOptions = {}, from = place): void {
  player = connect(from, { socket: server.socket, ...options });
  states = [];
  player.on("state", (state) => states.push(state));
}

/** A player in play, with `resume` as its way to the allocator. */
export function playing(resume?: ResumePlace, options: PlayerOptions = {}): void {
  start({ ...(resume ? { resume } : {}), ...options });
  server.link.open();
  server.link.welcome();
}

export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
/** Play that lasted: what comes next is a loss of its own. */
export async function playFor(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    await pass(1_000);
    server.link.pong();
  }
}
