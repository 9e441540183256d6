/**
 * `window.starlanes`: what the page knows, to read in the browser's console and in tests. Read-only; nothing in the
 * game depends on it.
 */
import type { Body } from "./scene.ts";
import type { Player, PlayerState } from "./sdk.ts";

export interface StarlanesHandle {
  readonly state: PlayerState;
  /** Name of the pod, of the zone, and the zone's epoch: it grows when another pod takes the zone over. */
  readonly server: string | undefined;
  readonly zone: string | undefined;
  readonly epoch: number | undefined;
  readonly latencyMs: number | undefined;
  /** The own ship as the server last told it, not as it is drawn. */
  readonly own:
    | { readonly x: number; readonly y: number; readonly heading: number; readonly hull: number }
    | undefined;
  /** Everything that is drawn, the own ship included. */
  readonly bodies: readonly Body[];
  /** Cuts the line as a tunnel would: watch it come back. */
  dropConnection(): void;
}

declare global {
  interface Window {
    starlanes: StarlanesHandle;
  }
}

export function showDebugHandle(now: () => { player: Player | undefined; bodies: readonly Body[] }): void {
  const welcome = () => now().player?.view?.welcome;
  window.starlanes = {
    get state() {
      return now().player?.state ?? "connecting";
    },
    get server() {
      return welcome()?.server.split("/").at(-1);
    },
    get zone() {
      return welcome()?.zone;
    },
    get epoch() {
      return welcome()?.epoch;
    },
    get latencyMs() {
      return now().player?.latencyMs;
    },
    get own() {
      const values = now().player?.view?.own?.values;
      if (!values) return undefined;
      const { x = 0, y = 0, heading = 0, hull = 0 } = values;
      return { x, y, heading, hull };
    },
    get bodies() {
      return now().bodies;
    },
    dropConnection: () => now().player?.dropConnection(),
  };
}
