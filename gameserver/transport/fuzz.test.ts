/**
 * Our parser against that of the `ws` library: seeded streams of good and bad frames, cut anywhere, must give the same
 * messages and the same verdict. Short here; `GAMEFLEET_FUZZ_FRAMES=1000000` runs the long form, which also watches
 * memory. `GAMEFLEET_FUZZ_SEED` repeats a run; the seed of a failing stream is in the message.
 */

import type { Writable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import * as ws from "ws";
import { seededRandom } from "../../platform/random.ts";
import { type FrameOptions, rawFrame } from "../testing/echo.ts";
import { FrameParser, WebSocketError } from "./websocket.ts";

/** Exported by ws, and not in its types. */
const { Receiver } = ws as unknown as { readonly Receiver: new (options: object) => Writable };

const FRAMES = Number(process.env.GAMEFLEET_FUZZ_FRAMES ?? 20_000);
const SEED = Number(process.env.GAMEFLEET_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const MAX = 2_000;
const FRAMES_A_STREAM = 12;

/** Whole numbers below a bound, drawn from a seed. */
function generator(seed: number): (below: number) => number {
  const random = seededRandom(seed);
  return (below) => Math.floor(random() * below);
}

interface Heard {
  readonly heard: string[];
  /** Close code of the refusal, or of the peer's close; undefined while the stream is well. */
  verdict: number | undefined;
}

function ours(chunks: readonly Buffer[]): Heard & { most: number } {
  const result = { heard: [] as string[], verdict: undefined as number | undefined, most: 0 };
  const parser = new FrameParser(
    {
      frame() {},
      // As a connection does: nothing counts after a close.
      message: (bytes) => {
        if (result.verdict === undefined)
          result.heard.push(`message ${Buffer.from(bytes).toString("base64")}`);
      },
      pong() {},
      ping: (bytes) => {
        if (result.verdict === undefined) result.heard.push(`ping ${Buffer.from(bytes).toString("base64")}`);
      },
      closed: (code) => {
        result.verdict ??= code;
      },
    },
    MAX,
  );
  for (const chunk of chunks) {
    // A connection reads nothing after a close.
    if (result.verdict !== undefined) break;
    try {
      parser.push(Buffer.from(chunk));
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      result.verdict ??= error.closeCode;
    }
    result.most = Math.max(result.most, parser.buffered);
  }
  return result;
}

async function theirs(chunks: readonly Buffer[]): Promise<Heard> {
  const result: Heard = { heard: [], verdict: undefined };
  const receiver = new Receiver({ isServer: true, maxPayload: MAX, binaryType: "nodebuffer" });
  receiver.on("message", (bytes: Buffer, binary: boolean) => {
    if (result.verdict !== undefined) return;
    if (binary) result.heard.push(`message ${bytes.toString("base64")}`);
    // Valid or not, we take no text.
    else result.verdict = 1003;
  });
  receiver.on("ping", (bytes: Buffer) => {
    if (result.verdict === undefined) result.heard.push(`ping ${bytes.toString("base64")}`);
  });
  receiver.on("conclude", (code: number) => {
    result.verdict ??= code;
  });
  receiver.on("error", (error: Error) => {
    const symbol = Object.getOwnPropertySymbols(error).find((each) => each.description === "status-code");
    result.verdict ??= symbol ? (error as unknown as Record<symbol, number>)[symbol] : 1011;
  });
  for (const chunk of chunks) {
    if (result.verdict !== undefined) break;
    await new Promise<void>((resolve) => receiver.write(Buffer.from(chunk), () => resolve()));
  }
  receiver.destroy();
  return result;
}

/** Mostly good frames: what goes on for long is where differences hide. */
function frameOf(
  random: (below: number) => number,
  open: boolean,
): { bytes: Buffer; opcode: number; fin: boolean } {
  const odd = random(12) === 0;
  const kind = random(10);
  const opcode = odd ? random(16) : kind < 2 ? 9 : kind < 3 ? 10 : open ? 0 : 2;
  const control = opcode >= 8;
  const fin = control ? !(odd && random(4) === 0) : random(3) > 0;
  const length = random(40) === 0 ? random(MAX + 600) : control ? random(126) : random(300);
  const options: FrameOptions = {
    fin,
    rsv: odd && random(3) === 0 ? random(8) : 0,
    masked: !(odd && random(4) === 0),
    mask: random(3) === 0 ? 0 : random(2 ** 31),
    ...(odd && random(4) === 0 ? { lengthBytes: length < 126 ? 3 : 9 } : {}),
  };
  let payload = Buffer.from(Buffer.alloc(length).map(() => random(256)));
  if (opcode === 8 && random(2) === 0) {
    payload = Buffer.alloc(2 + random(20), 97);
    payload.writeUInt16BE(random(2) === 0 ? 1_000 + random(16) : random(6_000));
  }
  return { bytes: rawFrame(opcode, payload, options), opcode, fin };
}

function streamOf(random: (below: number) => number) {
  const frames: Buffer[] = [];
  let open = false;
  let text = false;
  for (let n = 0; n < FRAMES_A_STREAM; n++) {
    const { bytes, opcode, fin } = frameOf(random, open);
    if (opcode === 1) text = true;
    if (opcode < 3) open = !fin;
    frames.push(bytes);
  }
  const whole = Buffer.concat(frames);
  if (random(20) === 0) whole[random(whole.length)] = random(256);
  // Cut anywhere, sometimes into single octets.
  const chunks: Buffer[] = [];
  const most = random(4) === 0 ? 3 : 1 + random(1_500);
  for (let at = 0; at < whole.length; ) {
    const size = 1 + random(most);
    chunks.push(whole.subarray(at, at + size));
    at += size;
  }
  return { chunks, text };
}

/** Heap in use after a collection, MB. */
function heapMB(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

it(`gives the verdicts of ws for ${FRAMES} frames (seed ${SEED})`, { timeout: 600_000 }, async () => {
  const streams = Math.ceil(FRAMES / FRAMES_A_STREAM);
  const verdicts = new Map<number | undefined, number>();
  let heapHalfWay = 0;
  for (let n = 0; n < streams; n++) {
    const { chunks, text } = streamOf(generator(SEED + n));
    const mine = ours(chunks);
    const other = await theirs(chunks);
    const where = `stream of seed ${SEED + n}: GAMEFLEET_FUZZ_SEED=${SEED + n} GAMEFLEET_FUZZ_FRAMES=1`;
    verdicts.set(mine.verdict, (verdicts.get(mine.verdict) ?? 0) + 1);
    expect(mine.most, where).toBeLessThanOrEqual(MAX * 2 + 14 + 1_500);
    if (mine.verdict === 1003 && (text || other.verdict !== 1003)) {
      // We refuse a text at its first octet. What ws says of the rest of it, and what follows, is not comparable;
      // all that came before is.
      expect(other.heard.slice(0, mine.heard.length), where).toEqual(mine.heard);
    } else {
      expect({ heard: mine.heard, verdict: mine.verdict }, where).toEqual({
        heard: other.heard,
        verdict: other.verdict,
      });
    }
    if (n === Math.floor(streams / 2)) heapHalfWay = heapMB();
  }
  // The streams were of all sorts, or the test said nothing.
  if (FRAMES >= 20_000)
    for (const code of [undefined, 1002, 1003, 1009]) expect(verdicts.get(code)).toBeGreaterThan(0);
  if (FRAMES >= 1_000_000) expect(heapMB() - heapHalfWay).toBeLessThan(8);
});
