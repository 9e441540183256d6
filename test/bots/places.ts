/** Where bots get their places: from an allocator, as players do, or on one local pod without any stores. */
import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { allocatorResume, type Place, type ResumePlace } from "../../client/index.ts";

export interface PlaceSource {
  /** A place for a player. Throws when there is none for a long time, or when `signal` ends the asking. */
  place(player: string, signal: AbortSignal): Promise<Place>;
  readonly resume?: ResumePlace;
}

export interface AllocatorPlaces {
  readonly allocatorUrl: string;
  readonly token: string;
  readonly namespace: string;
  readonly fleet: string;
  /** Zone to enter; the allocator chooses when it is not given. */
  readonly zone?: string | undefined;
}

const MOST_TRIES = 60;
const PAUSE_MS = 500;

export function fromAllocator(options: AllocatorPlaces): PlaceSource {
  const { allocatorUrl: url, token, namespace, fleet, zone } = options;
  const ask = async (player: string, signal: AbortSignal): Promise<Place> => {
    const answer = await fetch(`${url}/v1/allocations`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ namespace, fleet, players: [player], zone }),
      signal,
    });
    if (!answer.ok) throw new Error(await answer.text());
    const { address, port, sessions } = (await answer.json()) as {
      readonly address: string;
      readonly port: number;
      readonly sessions: readonly { readonly ticket: string; readonly resumeToken: string }[];
    };
    const [seat] = sessions;
    if (!seat) throw new Error("the allocator gave no seat");
    return { address, port, ticket: seat.ticket, resumeToken: seat.resumeToken };
  };
  return {
    resume: allocatorResume({ url, namespace, fleet }),
    /** Asks until there is a place: a fleet that starts has none yet. */
    async place(player, signal) {
      for (let tries = 1; ; tries++) {
        try {
          return await ask(player, signal);
        } catch (error) {
          signal.throwIfAborted();
          if (tries >= MOST_TRIES) throw new Error(`no place for ${player}`, { cause: error });
        }
        await sleep(PAUSE_MS, undefined, { signal });
      }
    },
  };
}

/** A pod with GAMEFLEET_LOCAL on this machine: its tickets are plain JSON. Players go round its zones in turn. */
export function fromLocalPod(port: number, zones: readonly string[]): PlaceSource {
  let next = 0;
  return {
    place: async (player) => {
      const resumeToken = `${randomUUID()}.${randomBytes(16).toString("base64url")}`;
      const zone = zones[next++ % zones.length];
      return {
        address: "127.0.0.1",
        port,
        resumeToken,
        ticket: JSON.stringify({ player, zone, resume: resumeToken }),
      };
    },
  };
}
