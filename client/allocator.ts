/** Where a session goes on, asked of the allocator: its address and the fleet are all a client needs to know. */
import type { Place, ResumePlace } from "./options.ts";

export interface AllocatorOptions {
  /** Base URL of the allocator, or of a proxy of the game's own before it. */
  readonly url: string;
  readonly namespace: string;
  readonly fleet: string;
}

/** The session is over: asking again cannot help. */
export class SessionOver extends Error {
  readonly final = true;
}

/** The allocator has answered: not yet. */
export class NoPlaceYet extends Error {
  readonly answered = true;
}

interface Answer {
  readonly address: string;
  readonly port: number;
  readonly sessions: readonly { readonly ticket: string; readonly resumeToken: string }[];
}

export function allocatorResume({ url, namespace, fleet }: AllocatorOptions): ResumePlace {
  return async (resumeToken, signal): Promise<Place> => {
    const answer = await fetch(`${url}/v1/sessions/resume`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ namespace, fleet, resumeToken }),
      signal,
    });
    const body = (await answer.json()) as Answer & { readonly code?: string; readonly detail?: string };
    if (answer.status === 401)
      throw new SessionOver(body.detail ?? "the allocator does not know this session");
    const seat = body.sessions?.[0];
    if (!answer.ok || !seat) {
      const detail = body.detail ?? `the allocator answered ${answer.status}`;
      // Only the allocator itself gives a code; a proxy before a dead one has nothing to say about the session.
      throw body.code === undefined ? new Error(detail) : new NoPlaceYet(detail);
    }
    return { address: body.address, port: body.port, ticket: seat.ticket, resumeToken: seat.resumeToken };
  };
}
