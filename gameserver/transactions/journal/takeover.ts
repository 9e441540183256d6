/**
 * Taking over the journal of a pod that is gone: fence it, settle what stands in it, remove it.
 *
 * Closing the stream waits for a settle of the old owner that is under way and stops every later one; from then on
 * the entries are ours. The claim of a successor that dies half way ends with its lease, and the next one begins again:
 * settling twice is no harm.
 */
import type { Answer } from "../answer.ts";
import type { At } from "../crash-points.ts";
import type { Entry } from "../entry.ts";
import type { Journal } from "./journal.ts";

/** Read and settled together: some batches for each lane. */
const PAGE = 1_024;

export interface TakeoverParts {
  /** True for the one who may take `stream` over now: two would only do the work twice. */
  claim(stream: number): Promise<boolean>;
  unclaim(stream: number): Promise<void>;
  /** From now on whoever had `stream` settles nothing any more. */
  close(stream: number): Promise<void>;
  journal(stream: number): Journal;
  /** Resolves when the entry is final or set aside. */
  settle(entry: Entry): Promise<Answer>;
  /** Removes an empty journal without an owner. */
  bury(stream: number): Promise<boolean>;
  readonly at?: At | undefined;
}

/** Takes `stream` over unless another does; answers how many entries were settled. */
export async function takeOver(parts: TakeoverParts, stream: number): Promise<number> {
  if (!(await parts.claim(stream))) return 0;
  try {
    return await drain(parts, stream);
  } finally {
    // Also when it failed: whoever can goes on at once, instead of when the claim has run out.
    await parts.unclaim(stream);
  }
}

async function drain(parts: TakeoverParts, stream: number): Promise<number> {
  parts.at?.("claimed");
  await parts.close(stream);
  parts.at?.("fenced");
  const journal = parts.journal(stream);
  let settled = 0;
  for (let after: string | undefined; ; ) {
    const page = await journal.read(after, PAGE);
    if (page.length === 0) break;
    // What cannot be read stays, and with it the journal: for a version that can.
    const readable = page.flatMap(({ ref, entry }) => (entry ? [{ ref, entry }] : []));
    await Promise.all(readable.map(({ entry }) => parts.settle(entry)));
    parts.at?.("drained");
    await journal.remove(readable.map(({ ref }) => ref));
    settled += readable.length;
    after = page.at(-1)?.ref;
  }
  parts.at?.("emptied");
  await parts.bury(stream);
  return settled;
}
