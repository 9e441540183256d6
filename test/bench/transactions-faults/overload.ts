/**
 * Twice what one pod can settle: those who are let in must be answered in time, and as many as before. The pod is a
 * process of its own; peak and overload are measured in turns, by the same callers over the same connections.
 */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Answer } from "../../../gameserver/transactions/answer.ts";
import { buy } from "../../../gameserver/transactions/testing/entries.ts";
import type { Stage } from "../../faults/transactions/stage.ts";
import { lineWriter, type Reply, readLines } from "../../faults/transactions/wire.ts";
import { median, paced, quantile } from "../harness.ts";

export interface OverloadOptions {
  readonly players: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly say: (text: string) => void;
}

export interface Overload {
  /** Settled a second by callers who each wait for their answer. */
  readonly peakPerSecond: number;
  /** Of those who were let in at twice the peak, from the intended moment. */
  readonly p99Ms: number;
  /** Settled a second at twice the peak, by the peak. */
  readonly goodput: number;
}

const IN_FLIGHT = 512;
const FACTOR = 2;

interface Callers {
  ask(player: string): Promise<Answer>;
  close(): void;
}

export async function overload(stage: Stage, options: OverloadOptions): Promise<Overload> {
  const callers = await connectTo(stage.pods[0]?.port ?? 0);
  const player = () => `p${Math.floor(Math.random() * options.players)}`;
  try {
    await peak(callers, player, 1);
    const rounds = [];
    for (let round = 1; round <= options.rounds; round++) {
      const peakPerSecond = await peak(callers, player, options.seconds * 0.7);
      const pressed = await press(callers, player, peakPerSecond * FACTOR, options.seconds);
      const goodput = pressed.settledPerSecond / peakPerSecond;
      rounds.push({ peakPerSecond, p99Ms: pressed.p99Ms, goodput });
      const refused = (pressed.refusedShare * 100).toFixed(0);
      options.say(
        `overload ${round}/${options.rounds}: peak ${peakPerSecond.toFixed(0)}/s, at twice that p99 ` +
          `${pressed.p99Ms.toFixed(0)} ms, goodput ${goodput.toFixed(2)}, refused ${refused} %`,
      );
    }
    return {
      peakPerSecond: median(rounds.map((one) => one.peakPerSecond)),
      p99Ms: median(rounds.map((one) => one.p99Ms)),
      goodput: median(rounds.map((one) => one.goodput)),
    };
  } finally {
    callers.close();
  }
}

async function connectTo(port: number): Promise<Callers> {
  const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  const waiting = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  const say = lineWriter(socket);
  readLines(socket, (line) => {
    const [n, answer] = JSON.parse(line) as Reply;
    waiting.get(n)?.(answer);
    waiting.delete(n);
  });
  return {
    ask: (player) =>
      new Promise((resolve) => {
        const n = asked++;
        waiting.set(n, resolve);
        say(JSON.stringify([n, buy(1, { player })]));
      }),
    close: () => socket.destroy(),
  };
}

/** Closed loop: settled a second. */
async function peak(callers: Callers, player: () => string, seconds: number): Promise<number> {
  const started = performance.now();
  const end = started + seconds * 1_000;
  let settled = 0;
  const one = async () => {
    while (performance.now() < end) if ((await callers.ask(player())).status === "settled") settled += 1;
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  return settled / ((performance.now() - started) / 1_000);
}

/** Open loop: `rate` requests a second whatever comes back; those who are refused do not ask again. */
async function press(callers: Callers, player: () => string, rate: number, seconds: number) {
  const started = performance.now();
  const latencies: number[] = [];
  const open: Promise<void>[] = [];
  const total = Math.floor(rate * seconds);
  let refused = 0;
  await paced(rate, total, (_index, dueAt) => {
    const asking = callers.ask(player()).then((answer) => {
      if (answer.status === "settled") latencies.push(performance.now() - dueAt);
      else if (answer.status === "refused") refused += 1;
      else latencies.push(Number.POSITIVE_INFINITY);
    });
    open.push(asking);
  });
  await Promise.all(open);
  const took = (performance.now() - started) / 1_000;
  const settled = latencies.filter(Number.isFinite).length;
  return {
    settledPerSecond: settled / took,
    p99Ms: quantile(Float64Array.from(latencies).sort(), 0.99),
    refusedShare: refused / total,
  };
}
