/**
 * Numbered inputs: what the player did and the server has not confirmed yet.
 *
 * After a loss of connection the same session goes on where it was: what the server has not taken is sent again with
 * its old numbers, so every input counts exactly once. A session that began anew elsewhere knows none of them.
 */
import type { Welcome } from "../protocol/frames.ts";
import { encodeInput, type InputItem } from "../protocol/frames-input.ts";
import type { Descriptor } from "../protocol/frames-schema.ts";

/** Inputs kept for a re-send. More than this unconfirmed means that nobody has listened for seconds. */
const MAX_KEPT = 256;
/** Items in one frame. */
const MAX_ITEMS = 32;

export class Inputs {
  #next = 1;
  #kept: { readonly seq: number; readonly item: InputItem }[] = [];

  /** Numbers an input. Returns its number. */
  add(item: InputItem): number {
    const seq = this.#next++;
    this.#kept.push({ seq, item });
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
    return seq;
  }

  /** The number that the next input gets. */
  get next(): number {
    return this.#next;
  }

  /** The server has taken everything up to `seq`. */
  confirm(seq: number): void {
    let count = 0;
    while (count < this.#kept.length && (this.#kept[count]?.seq ?? 0) <= seq) count += 1;
    if (count > 0) this.#kept.splice(0, count);
  }

  /** Goes on after a WELCOME: returns what must be sent again. */
  continueFrom({ inputSeq, resumed }: Pick<Welcome, "inputSeq" | "resumed">): InputItem[] {
    if (resumed) this.confirm(inputSeq);
    // Inputs that fell out of the window leave a hole that the server would wait for: then all start anew.
    const whole = this.#kept.length === 0 || this.#kept[0]?.seq === inputSeq + 1;
    const again = resumed && whole ? this.#kept.map((kept) => kept.item) : [];
    this.#kept = again.map((item, index) => ({ seq: inputSeq + 1 + index, item }));
    this.#next = inputSeq + 1 + again.length;
    return again;
  }
}

/** Frames that carry `items`, the first numbered `firstSeq`. */
export function inputFrames(game: Descriptor, firstSeq: number, items: readonly InputItem[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let from = 0; from < items.length; from += MAX_ITEMS) {
    frames.push(encodeInput(game, firstSeq + from, items.slice(from, from + MAX_ITEMS)));
  }
  return frames;
}
