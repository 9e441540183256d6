/** The callers: closed loop for throughput, open loop for latency as a caller feels it. */
import { Pool } from "undici";
import { messageOf } from "../../../platform/errors.ts";
import { paced, quantile } from "../harness.ts";

export interface Taken {
  readonly atMs: number;
  readonly zone: string;
  readonly ticket: string;
}

export interface LoadOptions {
  readonly url: string;
  readonly token: string;
  readonly seconds: number;
  /** Called with every good answer. */
  readonly onAnswer?: (taken: Taken) => void;
  /** Called with every answer that is not one: status, code and what it says. */
  readonly onRefusal?: (what: string) => void;
}

const CONNECTIONS = 128;
let player = 0;

interface Answer {
  readonly zone: string;
  readonly sessions?: readonly { readonly ticket: string }[];
  readonly code?: string;
  readonly detail?: string;
}

function client({ url, token, onAnswer, onRefusal }: LoadOptions) {
  const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1 });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const call = async (): Promise<number> => {
    const body = JSON.stringify({ namespace: "default", fleet: "bench", players: [`player-${player++}`] });
    const answer = await pool.request({ method: "POST", path: "/v1/allocations", headers, body });
    const json = (await answer.body.json()) as Answer;
    if (answer.statusCode === 200) {
      onAnswer?.({ atMs: performance.now(), zone: json.zone, ticket: json.sessions?.[0]?.ticket ?? "" });
    } else onRefusal?.(`${answer.statusCode} ${json.code}: ${json.detail}`);
    return answer.statusCode;
  };
  return { call, close: () => pool.close() };
}

/** `CONNECTIONS` callers, each asking again as soon as it has an answer. Returns good answers a second. */
export async function closedLoop(options: LoadOptions): Promise<{ perSecond: number; failed: number }> {
  const { call, close } = client(options);
  const end = performance.now() + options.seconds * 1_000;
  let good = 0;
  let failed = 0;
  const worker = async () => {
    while (performance.now() < end) {
      if ((await call()) === 200) good += 1;
      else failed += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  await close();
  return { perSecond: good / options.seconds, failed };
}

/** `rate` requests a second whether or not answers come; latency counts from the moment a request was due. */
export async function openLoop(
  options: LoadOptions,
  rate: number,
): Promise<{ p50: number; p99: number; failed: number }> {
  const { call, close } = client(options);
  const total = Math.floor(rate * options.seconds);
  const latencies = new Float64Array(total);
  let failed = 0;
  const pending: Promise<void>[] = [];
  await paced(rate, total, (index, dueAt) => {
    const done = call().then(
      (status) => {
        latencies[index] = performance.now() - dueAt;
        if (status !== 200) failed += 1;
      },
      (error: unknown) => {
        failed += 1;
        options.onRefusal?.(`no answer: ${messageOf(error)}`);
      },
    );
    pending.push(done);
  });
  await Promise.all(pending);
  await close();
  const sorted = latencies.sort();
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), failed };
}
