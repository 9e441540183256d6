/**
 * The players of the kill loop, in a process of their own that nobody kills: an open loop at a fixed rate with latency
 * counted from the intended moment, and a log of what they were told, which is later held against the books.
 *
 * Each does what a client must: makes the id once, and asks again with it. A player has a pod, as sessions have, and is
 * told there what became of "pending" and when to come back after "not now"; when the connection breaks or no answer
 * comes, the other pod is asked. Some ask elsewhere for no reason, or both pods at once from the beginning.
 */
import { createWriteStream } from "node:fs";
import { connect, type Socket } from "node:net";
import type { Answer } from "../../../gameserver/transactions/answer.ts";
import type { Entry } from "../../../gameserver/transactions/entry.ts";
import { buy, grant, trade } from "../../../gameserver/transactions/testing/entries.ts";
import { seededRandom } from "../../../platform/random.ts";
import { lineWriter, type Reply, readLines } from "./wire.ts";

export interface CallerOptions {
  readonly ports: readonly number[];
  /** Requests a second. */
  readonly rate: number;
  readonly players: number;
  readonly logFile: string;
  readonly seed: number;
  /** Whether to ask again after "pending". Default true. */
  readonly askAgain?: boolean;
  /** Share of players who, when they got no final answer, do not ask again before the next rest. Default 0. */
  readonly walkAway?: number;
}

/** One line of the log: what one request came to. Times are Unix ms; 0 for what never was. */
export interface Told {
  readonly id: string;
  readonly hash: string;
  readonly kind: string;
  /** "settled", "declined", …; "pending" or "refused" for what had no final answer at the end. */
  readonly status: string;
  /** The intended moment. */
  readonly arrival: number;
  readonly final: number;
  /** First "pending". */
  readonly pending: number;
  readonly asks: number;
}

export interface CallerSummary {
  readonly asked: number;
  /** Arrivals that were let pass, because `MOST_WAITING` had no answer: more than can be settled was offered for long. */
  readonly skipped: number;
  /** Each request without a final answer: what it was last told, by which pod. */
  readonly unanswered: readonly string[];
  /** Requests that were told two different final answers. */
  readonly twoAnswers: number;
  /** What each account should hold of each asset more than at the start, by all final answers: [account, asset, amount]. */
  readonly expected: readonly (readonly [string, string, number])[];
}

const TURN_MS = 5;
/** As long as the pod says, and up to half as long again. */
const waitAfter = (retryAfterMs: number) => retryAfterMs * (1 + random() / 2);
/** As long as players are told to wait after "pending". */
const ASK_AGAIN_MS = 1_000;
/** As long as a pod may take, and a little for the way. */
const NO_ANSWER_MS = 2_100;
const RECONNECT_MS = 20;
const GIVE_UP_MS = 60_000;
/** Players who wait do not buy more and more: without this a machine that is too slow is asked ever faster. */
const MOST_WAITING = 20_000;
const BOTH_AT_ONCE = 0.03;
const ELSEWHERE = 0.05;

interface Request {
  readonly n: number;
  readonly entry: Entry;
  readonly line: string;
  readonly arrival: number;
  /** Pods that have not answered yet, with how often each was asked. */
  readonly open: Set<number>;
  readonly walksAway: boolean;
  asks: number;
  /** The pod asked last. */
  asked: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  pending: number;
  /** What it was last told, and by which pod. */
  last: string;
  answer: Answer | undefined;
}

const options = JSON.parse(process.argv[2] ?? "") as CallerOptions;
const random = seededRandom(options.seed);
const log = createWriteStream(options.logFile);
const requests = new Map<number, Request>();
const expected = new Map<string, number>();
const pods = options.ports.map((port, index) => link(port, index));
let asked = 0;
let skipped = 0;
let twoAnswers = 0;
let arriving = true;

process.on("disconnect", () => process.exit(0));
process.on("message", (message) => {
  if (message === "rest") void rest();
  if (message === "go on") goOn();
  if (message === "finish") void finish();
});
let started = Date.now();
setInterval(turn, TURN_MS);
process.send?.("ready");

function turn(): void {
  const now = Date.now();
  if (arriving) {
    for (const due = ((now - started) / 1_000) * options.rate; asked < due; asked++) {
      if (requests.size >= MOST_WAITING) {
        skipped += 1;
        continue;
      }
      const entry = nextEntry();
      const arrival = started + (asked / options.rate) * 1_000;
      const line = JSON.stringify([asked, entry]);
      const walksAway = options.walkAway !== undefined && random() < options.walkAway;
      const own = { n: asked, entry, line, arrival, open: new Set<number>(), walksAway };
      const request: Request = {
        ...own,
        asks: 0,
        asked: 0,
        timer: undefined,
        pending: 0,
        last: "nothing",
        answer: undefined,
      };
      requests.set(asked, request);
      const home = homeOf(entry.player);
      ask(request, home);
      if (random() < BOTH_AT_ONCE) ask(request, (home + 1) % pods.length);
    }
  }
}

function ask(request: Request, index: number): void {
  const pod = pods[index];
  request.asks += 1;
  request.asked = index;
  againAfter(request, pod?.say ? NO_ANSWER_MS : RECONNECT_MS, true);
  if (!pod?.say) return;
  request.open.add(index);
  pod.say(request.line);
}

/** One plan for each request at any time: to ask again after `ms`, at another pod or mostly the same. */
function againAfter(request: Request, ms: number, another: boolean): void {
  clearTimeout(request.timer);
  request.timer = setTimeout(() => again(request, another), ms);
}

function again(request: Request, another: boolean): void {
  if (request.answer || !requests.has(request.n)) return;
  if (request.walksAway && arriving) againAfter(request, NO_ANSWER_MS, another);
  else ask(request, another || random() < ELSEWHERE ? (request.asked + 1) % pods.length : request.asked);
}

/** Players are called p0, p1, …: as many have their home in each pod. */
const homeOf = (player: string) => Number(player.slice(1)) % pods.length;

function onReply(index: number, line: string): void {
  const [n, answer] = JSON.parse(line) as Reply;
  const request = requests.get(n);
  if (!request) return;
  request.open.delete(index);
  request.last = `${JSON.stringify(answer)} by ${index}`;
  if (answer.status === "refused") againAfter(request, waitAfter(answer.retryAfterMs), false);
  else if (answer.status === "pending") {
    request.pending ||= Date.now();
    if (options.askAgain ?? true) againAfter(request, waitAfter(ASK_AGAIN_MS), false);
    else if (!request.answer && requests.delete(n)) write(request, "pending", 0);
  } else if (!request.answer) {
    request.answer = answer;
    write(request, answer.status, Date.now());
    if (answer.status === "settled") expect(request.entry);
  } else if (JSON.stringify(request.answer) !== JSON.stringify(answer)) twoAnswers += 1;
  if (request.answer && request.open.size === 0) requests.delete(n);
}

function write(request: Request, status: string, final: number): void {
  const { entry, arrival, pending, asks } = request;
  const told: Told = {
    id: entry.id,
    hash: entry.hash,
    kind: entry.kind,
    status,
    arrival,
    final,
    pending,
    asks,
  };
  log.write(`${JSON.stringify(told)}\n`);
}

function expect(entry: Entry): void {
  for (const { from, to, asset, amount } of entry.transfers) {
    for (const [account, delta] of [
      [from, -amount],
      [to, amount],
    ] as const) {
      const key = `${account}\n${asset}`;
      if (!account.startsWith("house:")) expected.set(key, (expected.get(key) ?? 0) + delta);
    }
  }
}

function nextEntry(): Entry {
  const player = name();
  const chance = random();
  if (chance < 0.1) return grant(Math.ceil(random() * 20), { player });
  const other = name();
  if (chance < 0.2 && other !== player) return trade(player, other, Math.ceil(random() * 20));
  return buy(Math.ceil(random() * 40), { player });
}

function name(): string {
  return `p${Math.floor(random() * options.players)}`;
}

/** A connection that is made again whenever it breaks. What it had not answered is asked elsewhere at once. */
function link(port: number, index: number): { say: ((line: string) => void) | undefined } {
  const own: { say: ((line: string) => void) | undefined } = { say: undefined };
  const open = (): void => {
    const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.on("error", () => {});
    socket.on("connect", () => {
      own.say = lineWriter(socket);
    });
    readLines(socket, (line) => onReply(index, line));
    socket.on("close", () => {
      own.say = undefined;
      for (const request of requests.values()) {
        if (!request.open.delete(index)) continue;
        if (request.answer && request.open.size === 0) requests.delete(request.n);
        else again(request, true);
      }
      setTimeout(open, RECONNECT_MS);
    });
  };
  open();
  return own;
}

/** No new requests; resolves when all are answered, or given up. */
async function answered(): Promise<void> {
  arriving = false;
  const end = Date.now() + GIVE_UP_MS;
  while ([...requests.values()].some(({ answer }) => !answer) && Date.now() < end)
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
}

async function rest(): Promise<void> {
  await answered();
  await new Promise((resolve) => log.write("", resolve));
  process.send?.(summary());
}

function goOn(): void {
  started = Date.now() - (asked / options.rate) * 1_000;
  arriving = true;
}

async function finish(): Promise<void> {
  await answered();
  for (const request of requests.values())
    if (!request.answer) write(request, request.pending ? "pending" : "refused", 0);
  await new Promise<void>((resolve) => log.end(() => resolve()));
  process.send?.(summary(), () => process.exit(0));
}

function summary(): CallerSummary {
  const sums = [...expected].map(([key, amount]) => {
    const [account = "", asset = ""] = key.split("\n");
    return [account, asset, amount] as const;
  });
  const left = [...requests.values()].filter(({ answer }) => !answer);
  const unanswered = left.map(
    ({ entry, asks, last }) => `${entry.kind} ${entry.id}: ${last}, asked ${asks} times`,
  );
  return { asked: asked - skipped, skipped, unanswered, twoAnswers, expected: sums };
}
