/** A place to play, asked of the page's own server: the service token stays there. */
import type { Place } from "./sdk.ts";

interface Allocation {
  readonly namespace: string;
  readonly fleet: string;
  readonly address: string;
  readonly port: number;
  readonly sessions: readonly { readonly ticket: string; readonly resumeToken: string }[];
}

export interface FoundPlace {
  readonly place: Place;
  readonly namespace: string;
  readonly fleet: string;
}

const TRIES = 20;
const PAUSE_MS = 500;

/** A place in `zone`, or anywhere; asked for ten seconds, since a zone may be on its way between two servers. */
export async function askForPlace(zone: string | null): Promise<FoundPlace> {
  for (let left = TRIES; ; left--) {
    try {
      return await askOnce(zone);
    } catch (error) {
      if (left <= 1) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** Throws with words for the player when there is no place. */
async function askOnce(zone: string | null): Promise<FoundPlace> {
  const answer = await fetch("/play", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(zone === null ? {} : { zone }),
  });
  const body = (await answer.json()) as Partial<Allocation> & { readonly detail?: string };
  const { namespace, fleet, address, port, sessions } = body;
  const seat = sessions?.[0];
  if (!answer.ok || !seat || !namespace || !fleet || !address || !port) {
    throw new Error(`no place: ${body.detail ?? `the server answered ${answer.status}`}`);
  }
  const { ticket, resumeToken } = seat;
  return { place: { address, port, ticket, resumeToken }, namespace, fleet };
}
