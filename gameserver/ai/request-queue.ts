/** The queue of seekers, a ring in the zone's state: in the order of asking, but one may be taken out of turn. */

/** Words of the state that belong to it. */
const HEAD = 0;
const WAITING = 1;

export class RequestQueue {
  readonly #ring: Uint16Array;
  readonly #words: Uint32Array;

  /** As many places as there are seekers: each is in it at most once. */
  constructor(ring: Uint16Array, words: Uint32Array) {
    this.#ring = ring;
    this.#words = words;
  }

  get waiting(): number {
    return this.#words[WAITING] as number;
  }

  push(seeker: number): void {
    this.#ring[this.#place(this.waiting)] = seeker;
    this.#words[WAITING] = this.waiting + 1;
  }

  /** Who waits `ahead` places behind the head. */
  peek(ahead: number): number {
    return this.#ring[this.#place(ahead)] as number;
  }

  /** Takes the one `ahead` places behind the head out; those before it keep their order and their turn. */
  take(ahead: number): number {
    const seeker = this.peek(ahead);
    for (let place = ahead; place > 0; place--) this.#ring[this.#place(place)] = this.peek(place - 1);
    this.#words[HEAD] = this.#place(1);
    this.#words[WAITING] = this.waiting - 1;
    return seeker;
  }

  #place(ahead: number): number {
    return ((this.#words[HEAD] as number) + ahead) % this.#ring.length;
  }
}
