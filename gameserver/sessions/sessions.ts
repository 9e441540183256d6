/**
 * Who plays here. The authority over sessions: decides each HELLO, seats, hands over between I/O threads, ends.
 *
 * A session outlives its socket: it ends when the player leaves, is silent for too long, or the zone goes. Of two
 * connections for one session the newer wins. Work on one session is done one step after another.
 */
import { timingSafeEqual } from "node:crypto";
import { fail } from "../../platform/errors.ts";
import { sha256 } from "../../platform/ids.ts";
import { CLOSE } from "../../protocol/close.ts";
import type { SessionRole } from "../../protocol/ticket.ts";
import type { ClosedTo } from "../control/phase.ts";
import type { SimulationLink } from "../control/simulation-link.ts";
import type { Hello, TransportLink } from "../control/transport-link.ts";
import type { OpenZone, Zones } from "../control/zones.ts";
import type { WelcomeStart } from "../transport/messages.ts";

/** What a valid ticket says. */
export interface Grant {
  readonly session: string;
  readonly player: string;
  readonly zone: string;
  /** sha256 (base64url) of the resume token. */
  readonly resumeHash: string;
  readonly party: string | undefined;
  readonly role: SessionRole;
  /** It was in play before, here or elsewhere. */
  readonly back: boolean;
}

export interface Session extends Grant {
  readonly openZone: OpenZone;
  readonly slot: number;
  /** Of its own; 0 for a spectator. */
  readonly entity: number;
  resumeHash: string;
  /** The I/O thread that holds it, and its connection there; undefined while no socket is attached. */
  thread: number;
  connection: number | undefined;
}

export interface SessionHost {
  readonly zones: Zones;
  readonly simulation: Pick<SimulationLink, "join" | "leave">;
  readonly transports: readonly Pick<TransportLink, "admit" | "release">[];
  /** Most sessions of the pod. */
  readonly capacity: number;
  /** What of WELCOME is the same for everyone here. */
  readonly welcome: Pick<WelcomeStart, "server" | "game" | "tickHz" | "updateHz" | "heartbeatSeconds">;
  /** Checks a ticket. Throws TICKET_*. */
  verify(token: string): Promise<Grant>;
  /** The zone, opened if it is ours. Throws ZONE_NOT_FOUND. */
  zone(id: string): Promise<OpenZone>;
  /** Why nobody new may come, or undefined. */
  closed(): ClosedTo | undefined;
  onJoined(session: Session): void;
  onEnded(session: Session, code: number): void;
}

export class Sessions {
  readonly #host: SessionHost;
  readonly #sessions = new Map<string, Session>();
  /** By `<thread>:<connection>`. */
  readonly #attached = new Map<string, Session>();
  readonly #busy = new Map<string, Promise<unknown>>();
  /** Joins that passed the capacity check and are not in the table yet. */
  #joining = 0;

  constructor(host: SessionHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  list(): Session[] {
    return [...this.#sessions.values()];
  }

  /** Admits or throws; the caller tells the connection why it was refused. Answers whether it was a resume. */
  async hello(thread: number, hello: Hello): Promise<"joined" | "resumed"> {
    // Cut off from the stores: whoever plays here may be served elsewhere by now.
    if (this.#host.closed() === "STORE_UNAVAILABLE")
      throw fail("STORE_UNAVAILABLE", "cut off from all stores");
    if (hello.mode === "resume") return this.#resume(thread, hello);
    const grant = await this.#host.verify(hello.token);
    return this.#alone(grant.session, () => this.#enter(thread, hello, grant));
  }

  /** A connection ended; its session stays. */
  gone(thread: number, connection: number): void {
    const key = `${thread}:${connection}`;
    const session = this.#attached.get(key);
    this.#attached.delete(key);
    if (session?.thread === thread && session.connection === connection) session.connection = undefined;
  }

  /** Ends a session: closes its socket with `code`, takes its entity out of the world. */
  end(id: string, code: number): Promise<void> {
    return this.#alone(id, async () => {
      const session = this.#sessions.get(id);
      if (!session) return;
      this.#sessions.delete(id);
      // First the I/O thread, so that nothing writes into the slot when the next player gets it.
      await this.#transport(session.thread).release(id, code);
      if (session.role === "player") this.#host.simulation.leave(session.openZone.index, session.slot);
      this.#host.zones.unseat(session.openZone, session.slot, performance.now());
      this.#host.onEnded(session, code);
    });
  }

  async #resume(thread: number, hello: Hello): Promise<"resumed"> {
    const [id = ""] = hello.token.split(".");
    return this.#alone(id, async () => {
      const session = this.#sessions.get(id);
      if (!session) throw fail("SESSION_NOT_FOUND", "no such session on this server");
      if (!sameHash(sha256(hello.token), session.resumeHash))
        throw fail("RESUME_REFUSED", "resume token is wrong");
      await this.#attach(session, thread, hello, true);
      return "resumed" as const;
    });
  }

  async #enter(thread: number, hello: Hello, grant: Grant): Promise<"joined" | "resumed"> {
    const known = this.#sessions.get(grant.session);
    if (known) {
      if (known.player !== grant.player || known.zone !== grant.zone || known.role !== grant.role) {
        throw fail("TICKET_INVALID", "the session belongs to another player, zone or role");
      }
      known.resumeHash = grant.resumeHash;
      await this.#attach(known, thread, hello, true);
      return "resumed";
    }
    const session = await this.#join(thread, grant);
    await this.#attach(session, thread, hello, false);
    this.#host.onJoined(session);
    return "joined";
  }

  async #join(thread: number, grant: Grant): Promise<Session> {
    const { zones, simulation, capacity } = this.#host;
    const closed = this.#host.closed();
    // Too much to do is a reason to let nobody new in, not to lose those who played when their server died.
    if (closed && !(grant.back && closed === "SERVER_OVERLOADED"))
      throw fail(closed, "this server takes nobody new");
    if (this.#sessions.size + this.#joining >= capacity) {
      throw fail("SERVER_FULL", `this server holds ${capacity} of ${capacity} sessions`);
    }
    this.#joining++;
    try {
      const openZone = await this.#host.zone(grant.zone);
      if (!openZone.open) throw fail("ZONE_FULL", `zone ${grant.zone} takes nobody new`);
      const slot = zones.seat(openZone, grant.session);
      // Before anything is awaited: a sweep must not take a newcomer for the one who fell silent in this seat.
      openZone.memory.heardAt[slot] = Math.floor(Date.now() / 1_000);
      // A spectator has a seat and nothing in the world.
      const joining =
        grant.role === "spectator"
          ? Promise.resolve(0)
          : simulation.join(openZone.index, slot, seedOf(grant.player));
      const entity = await joining.catch((error: unknown) => {
        zones.unseat(openZone, slot, performance.now());
        throw error;
      });
      if (entity === undefined) {
        zones.unseat(openZone, slot, performance.now());
        throw fail("ZONE_FULL", `the game refused a player in zone ${grant.zone}`);
      }
      const session: Session = { ...grant, openZone, slot, entity, thread, connection: undefined };
      this.#sessions.set(grant.session, session);
      return session;
    } finally {
      this.#joining--;
    }
  }

  /** Seats the session on a connection; first takes it from the thread that holds it, if that is another one. */
  async #attach(session: Session, thread: number, hello: Hello, resumed: boolean): Promise<void> {
    const moves = resumed && session.thread !== thread;
    const carry = moves
      ? await this.#transport(session.thread).release(session.session, CLOSE.replaced)
      : undefined;
    session.thread = thread;
    session.connection = hello.connection;
    this.#attached.set(`${thread}:${hello.connection}`, session);
    this.#transport(thread).admit({
      connection: hello.connection,
      session: session.session,
      zone: session.openZone.index,
      slot: session.slot,
      lastSeq: hello.lastSeq,
      carry,
      welcome: {
        ...this.#host.welcome,
        session: session.session,
        zone: session.zone,
        epoch: session.openZone.epoch,
        entity: session.entity,
        role: session.role,
        resumed,
      },
    });
  }

  #transport(thread: number): Pick<TransportLink, "admit" | "release"> {
    const transport = this.#host.transports[thread];
    if (!transport) throw fail("INTERNAL", `no I/O thread ${thread}`);
    return transport;
  }

  /** Runs `work` after all earlier work on the same session. */
  async #alone<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    // The table's copy must not raise: whoever called gets the error.
    const settled = mine.catch(() => {});
    this.#busy.set(id, settled);
    try {
      return await mine;
    } finally {
      if (this.#busy.get(id) === settled) this.#busy.delete(id);
    }
  }
}

/** Same person, same seed. */
function seedOf(player: string): number {
  return Buffer.from(sha256(player), "base64url").readUInt32LE(0);
}

function sameHash(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
