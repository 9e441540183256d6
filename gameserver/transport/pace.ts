/**
 * When each session of an I/O thread is served and with how many bytes: the scheduler's `SessionUpdates` and
 * `ByteBudget` over what the zones' shared memory says of a session. Also times the way of an input, by one probe at a
 * time: from the socket into the ring, to the tick that takes it, to the update that shows it.
 */
import { CLOSE } from "../../protocol/close.ts";
import { NOTICE, type Notice } from "../../protocol/frames.ts";
import { ByteBudget } from "../scheduler/byte-budget.ts";
import type { Stance } from "../scheduler/effects.ts";
import { type SessionFacts, SessionUpdates } from "../scheduler/session-updates.ts";
import type { Counters, Samples } from "../shared-stats.ts";
import { front, HEAD } from "../simulation/memory.ts";
import { type Schema, TICK_HZ } from "../simulation/schema.ts";
import type { IoSession } from "./io-session.ts";
import type { TransportCounter } from "./messages.ts";

/** Updates for so long, then sockets are read again: an input must not wait for a whole fan-out. */
const SLICE_MS = 4;
/** Own entity, acknowledgement and some neighbours: an update never has less, whatever the budget says. */
const LEAST_BYTES = 96;
const MOST_BYTES = 1_100;
const MAX_PENDING_EVENTS = 256;

const FACTS: SessionFacts<IoSession> = {
  engaged: ({ watching, zone, slot }) =>
    !watching && (zone.memory.engagedUntil[slot] as number) > zone.picture.tick,
  weight: ({ watching, zone, slot }) => (watching ? 1 : (zone.memory.weight[slot] as number)),
  players: ({ zone }) => zone.memory.head[HEAD.players] as number,
  watchers: ({ watching, zone, slot }) => (watching ? 0 : (zone.memory.watchers[slot] as number)),
  spectator: ({ watching }) => watching !== undefined,
  latencyMs: ({ latencyMs }) => latencyMs,
};

/** What players are told when the world's clock changes. */
export function dilation(scale: number): Notice {
  return { kind: NOTICE.dilation, withinMs: 0, detail: { scale } };
}

export interface IoOptions {
  readonly stance?: Stance;
  readonly rings?: boolean;
  /** Most sessions with a socket. */
  readonly capacity?: number;
  /** What all sessions together, and one, may be sent in a second. */
  readonly bytesPerSecond?: number;
  readonly sessionBytesPerSecond?: number;
}

export interface PaceReports {
  readonly stats: Counters<TransportCounter>;
  /** Seconds from input to update. */
  readonly seen: Samples;
  readonly onBug: (error: unknown) => void;
}

/** An input on its way. */
interface Probe {
  session: IoSession | undefined;
  seq: number;
  /** Unix ms: taken from the socket; its tick began; this thread woke for that tick. */
  takenAt: number;
  tickAt: number;
  wokeAt: number;
}

const unixNow = () => performance.timeOrigin + performance.now();
const clock = () => performance.now();

export class Pace {
  readonly #updates: SessionUpdates<IoSession>;
  readonly #bytes: ByteBudget;
  readonly #stats: Counters<TransportCounter>;
  readonly #seen: Samples;
  readonly #onBug: (error: unknown) => void;
  #tick = 0;
  /** Not counted yet: shared memory is written once a slice. */
  #sent = 0;
  #sentBytes = 0;
  readonly #probe: Probe = { session: undefined, seq: 0, takenAt: 0, tickAt: 0, wokeAt: 0 };

  constructor(schema: Schema, stance: Stance, options: IoOptions, reports: PaceReports) {
    const { capacity = 1_024, bytesPerSecond = 50e6, sessionBytesPerSecond = 24e3 } = options;
    this.#updates = new SessionUpdates(capacity, TICK_HZ / schema.updateTicks, stance, FACTS);
    this.#bytes = new ByteBudget({ capacity, bytesPerSecond, sessionBytesPerSecond }, performance.now());
    this.#stats = reports.stats;
    this.#seen = reports.seen;
    this.#onBug = reports.onBug;
  }

  /** The session has a socket now. */
  enter(session: IoSession): void {
    session.place = this.#updates.enter(session);
    if (session.place >= 0) this.#bytes.add(session.place);
  }

  leave(session: IoSession): void {
    if (session.place < 0) return;
    this.#updates.leave(session.place);
    this.#bytes.remove(session.place);
    session.place = -1;
    if (this.#probe.session === session) this.#probe.session = undefined;
  }

  /** Inputs were taken, the last of them number `seq`. */
  heard(session: IoSession, seq: number): void {
    if (session.place < 0) return;
    this.#updates.heard(session.place);
    const probe = this.#probe;
    if (probe.session) return;
    probe.session = session;
    probe.seq = seq;
    probe.takenAt = unixNow();
    probe.tickAt = 0;
  }

  /** A tick is there, and the zones' pictures are of it. */
  begin(tick: number): void {
    const now = performance.now();
    this.#tick = tick;
    // What is left of the last tick's work shows before this tick's comes on top.
    this.#count();
    this.#updates.begin(tick, now);
    this.#bytes.refill(now);
    const probe = this.#probe;
    if (!probe.session || probe.tickAt > 0) return;
    const { picture, memory } = probe.session.zone;
    if ((picture.applied[probe.session.slot] as number) < probe.seq) return;
    probe.tickAt = front(memory).time[0] as number;
    probe.wokeAt = performance.timeOrigin + now;
  }

  /** Serves who is due for a slice of time; true when some are left. */
  serve(): boolean {
    const more = this.#updates.serve(SLICE_MS, clock, this.#serve);
    this.#stats.add("updates", this.#sent);
    this.#stats.add("bytes", this.#sentBytes);
    this.#sent = 0;
    this.#sentBytes = 0;
    return more;
  }

  /** One player's bug must not be everyone's. */
  guard<T>(session: IoSession, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#failed(session, error);
      return undefined;
    }
  }

  #failed(session: IoSession, error: unknown): void {
    this.#onBug(error);
    session.connection?.close(CLOSE.internal);
  }

  readonly #serve = (session: IoSession, place: number): void => {
    // A slow reader is served at half or a quarter of its rate.
    if (session.slowness > 1 && ++session.turn % session.slowness !== 0) return;
    const allowed = Math.max(LEAST_BYTES, Math.min(MOST_BYTES, this.#bytes.allowed(place)));
    const startedAt = this.#probe.session === session ? unixNow() : 0;
    let sent = 0;
    // `guard` by hand: a closure for each update is garbage.
    try {
      sent = this.#update(session, allowed);
    } catch (error) {
      this.#failed(session, error);
    }
    // How much more it would have had is not known: a full budget asks for half as much again.
    const leftOut = sent > allowed * 0.9 ? allowed * 0.5 : 0;
    this.#bytes.spent(place, sent, leftOut, this.#updates.urgency(place));
    if (startedAt > 0) this.#arrived(startedAt);
  };

  /** Answers the bytes sent. */
  #update(session: IoSession, allowed: number): number {
    const { connection } = session;
    if (!connection) return 0;
    if (connection.backlog > 0) {
      session.slowSince ||= performance.now();
      session.skipped++;
      // Events are numbered when they are sent; those that wait are bounded like all else.
      if (session.outbox.pending > MAX_PENDING_EVENTS) connection.close(CLOSE.slowReader, "not reading");
      this.#stats.add("skippedUpdates");
      return 0;
    }
    session.slowSince = 0;
    session.skipped = 0;
    const bytes = session.update(this.#tick, allowed);
    if (bytes === 0) return 0;
    this.#sent += 1;
    this.#sentBytes += bytes;
    const stampedAt = session.takeSeen();
    if (stampedAt > 0) this.#seen.record((performance.now() - stampedAt) / 1_000);
    return bytes;
  }

  /** The probed session was served: if the update showed its input, the way is complete. */
  #arrived(startedAt: number): void {
    const probe = this.#probe;
    if (probe.tickAt === 0) return;
    this.#stats.add("pathCount");
    this.#stats.add("pathRingMs", Math.max(0, probe.tickAt - probe.takenAt));
    this.#stats.add("pathTickMs", Math.max(0, probe.wokeAt - probe.tickAt));
    this.#stats.add("pathQueueMs", Math.max(0, startedAt - probe.wokeAt));
    this.#stats.add("pathUpdateMs", unixNow() - startedAt);
    probe.session = undefined;
  }

  #count(): void {
    const { taken, missed, worstLateMs } = this.#updates.schedule.stats();
    this.#stats.set("scheduled", taken);
    this.#stats.set("missedEngaged", missed[0] ?? 0);
    this.#stats.set("missedActive", missed[1] ?? 0);
    this.#stats.set("missedCalm", missed[2] ?? 0);
    this.#stats.set("ready", this.#updates.schedule.ready);
    if (worstLateMs > this.#stats.get("worstLateMs")) this.#stats.set("worstLateMs", worstLateMs);
  }
}
