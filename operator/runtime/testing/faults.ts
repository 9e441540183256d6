/**
 * Which faults a fake API server shows, drawn from a seed so that a failing run can be repeated.
 */
import { seededRandom } from "../../../platform/random.ts";

export interface CallFault {
  readonly reset?: boolean;
  readonly status?: number;
  readonly retryAfter?: number;
  /** Break the connection half-way through the body. */
  readonly torn?: boolean;
  /** Answer rightly, but only after this long, ms. */
  readonly delayMs?: number;
}

/** What happens to the next event of a stream. */
export type StreamFault =
  | "none"
  | "duplicate"
  | "bytewise"
  | "bookmark"
  | "close"
  | "closeMidLine"
  | "resetMidLine"
  | "badJson"
  | "unknownType"
  | "error410"
  | "error500"
  | "silent";

export interface Faults {
  onList(): CallFault | undefined;
  onWatch(): CallFault | undefined;
  /** Called once a stream; the result once an event. */
  stream(): StreamPlan;
}

export interface StreamPlan {
  /** Send neighbouring events about different objects in the wrong order. Such a stream has no other fault. */
  readonly reorder: boolean;
  next(): StreamFault;
}

export const noFaults: Faults = {
  onList: () => undefined,
  onWatch: () => undefined,
  stream: () => ({ reorder: false, next: () => "none" }),
};

const CALLS: readonly CallFault[] = [
  { reset: true },
  { status: 401 },
  { status: 429, retryAfter: 1 },
  { status: 500 },
  { status: 503 },
  { delayMs: 20 },
];

const EVENTS: readonly StreamFault[] = [
  "duplicate",
  "bytewise",
  "bookmark",
  "close",
  "closeMidLine",
  "resetMidLine",
  "badJson",
  "unknownType",
  "error410",
  "error500",
  "silent",
];

/** `rate`: the share of calls and events that go wrong. */
export function seededFaults(seed: number, rate: number): Faults {
  const random = seededRandom(seed);
  const pick = <F>(faults: readonly F[]): F | undefined =>
    random() < rate ? faults[Math.floor(random() * faults.length)] : undefined;
  return {
    onList: () => pick([...CALLS, { torn: true }]),
    onWatch: () => pick([...CALLS, { status: 410 }]),
    stream: () => {
      const reorder = random() < 0.2;
      return { reorder, next: () => (reorder ? "none" : (pick(EVENTS) ?? "none")) };
    },
  };
}
