/** The game's events in words, newest first. */
import type { GameEvent, View } from "./sdk.ts";

const KEPT = 6;
const SHOWN_MS = 9_000;

/** What happened, or undefined when it is not worth a line. */
export function wordsOf({ kind, fields }: GameEvent, view: View): string | undefined {
  const name = (id: number | undefined): string => {
    if (id === view.welcome.entity) return "you";
    const entity = id === undefined ? undefined : view.entities.get(id);
    return `${entity?.kind ?? "something"} ${shortName(id)}`;
  };
  if (kind === "hit") return `${name(fields.by)} hit ${name(fields.target)}: hull ${fields.hull}`;
  if (kind === "destroyed") return `${name(fields.by)} destroyed ${name(fields.target)}`;
  if (kind === "docked") return "docked: hull and tank are full";
  if (kind === "delivered") return `crate delivered: ${fields.credits} credits`;
  if (kind === "wave") return `wave ${fields.number}: new drones`;
  return undefined;
}

/** Entity ids are large numbers (a slot and how often it was used): six characters less to read. */
const shortName = (id = 0): string => id.toString(36).toUpperCase();

export class Ticker {
  readonly #list: HTMLElement;

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  say(text: string, mine: boolean): void {
    const line = document.createElement("li");
    line.textContent = text;
    if (mine) line.className = "mine";
    this.#list.prepend(line);
    while (this.#list.children.length > KEPT) this.#list.lastElementChild?.remove();
    setTimeout(() => line.remove(), SHOWN_MS);
  }
}
