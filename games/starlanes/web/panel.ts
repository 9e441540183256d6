/** The corner that says where one is: pod, zone, who is in sight, latency, state. Plain text in the page. */

export interface PanelFacts {
  readonly state: string;
  readonly pod: string;
  readonly zone: string;
  readonly ships: number;
  readonly drones: number;
  readonly latencyMs: number | undefined;
  readonly hull: number;
  readonly fuel: number;
}

export class Panel {
  readonly #shown = new Map<string, string>();

  show(facts: PanelFacts): void {
    this.#text("state", facts.state);
    this.#text("pod", facts.pod);
    this.#text("zone", facts.zone);
    this.#text("sight", `${facts.ships} ships, ${facts.drones} drones`);
    this.#text("latency", facts.latencyMs === undefined ? "–" : `${facts.latencyMs.toFixed(0)} ms`);
    this.#gauge("hull", facts.hull);
    this.#gauge("fuel", facts.fuel);
    this.#once("body", facts.state, () => {
      document.body.dataset.state = facts.state;
    });
  }

  #text(id: string, text: string): void {
    this.#once(id, text, () => {
      element(id).textContent = text;
    });
  }

  #gauge(id: string, percent: number): void {
    const text = percent.toFixed(0);
    this.#once(id, text, () => {
      element(id).style.width = `${text}%`;
      element(`${id}-number`).textContent = text;
    });
  }

  /** The page is touched only when something differs: this runs with every frame. */
  #once(key: string, value: string, change: () => void): void {
    if (this.#shown.get(key) === value) return;
    this.#shown.set(key, value);
    change();
  }
}

export function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
