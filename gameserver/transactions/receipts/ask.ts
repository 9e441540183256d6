/**
 * One call to a store over HTTP: bounded in time and size, never redirected, its answer checked for its shape.
 *
 * Whatever speaks of the store's health (no answer, 5xx, 429, nonsense) or of our credentials (401, 403) is thrown as
 * RECEIPT_UNVERIFIED; any other answer is the caller's to judge. URLs are never in a message: they may hold keys.
 */
import type { z } from "zod";
import { fail, type GamefleetError, messageOf } from "../../../platform/errors.ts";

const MAX_ANSWER = 262_144;
const MAX_RETRY_AFTER_SECONDS = 600;

export interface Question {
  /** Stands in errors: "apple: the transaction". */
  readonly what: string;
  readonly url: string;
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Fields of the receipts file to look at when the store does not take our credentials. */
  readonly credentials: string;
  /** Called when it does not. */
  readonly denied?: () => void;
}

export interface StoreAnswer {
  readonly status: number;
  /** As it came. */
  readonly text: string;
}

export async function ask(question: Question): Promise<StoreAnswer> {
  const { what, url, method = "GET", headers = {}, body, timeoutMs } = question;
  const signal = AbortSignal.any([question.signal, AbortSignal.timeout(timeoutMs)]);
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(url, { method, headers, body: body ?? null, signal, redirect: "error" });
    text = await readBounded(answer);
  } catch (error) {
    throw away(what, reasonOf(error), error);
  }
  const { status } = answer;
  if (status === 401 || status === 403) {
    question.denied?.();
    throw away(what, `${status}: the store does not take these credentials; see ${question.credentials}`);
  }
  if (status >= 500 || status === 429 || status === 408) {
    const wait = Number(answer.headers.get("retry-after"));
    throw away(what, `answered ${status}`, undefined, wait > 0 ? wait : undefined);
  }
  return { status, text };
}

/** The answer as `schema` says it must be. Throws RECEIPT_UNVERIFIED: a store that changed its mind may change it back. */
export function read<S extends z.ZodType>(schema: S, what: string, { text }: StoreAnswer): z.output<S> {
  const result = schema.safeParse(parse(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw away(what, `answered what it should not: ${issue?.path.join(".")}: ${issue?.message}`);
}

export const away = (
  what: string,
  why: string,
  cause?: unknown,
  retryAfterSeconds: number = 5,
): GamefleetError =>
  fail("RECEIPT_UNVERIFIED", `${what}: ${why}; show the receipt again later`, {
    cause,
    retryAfterSeconds: Math.min(retryAfterSeconds, MAX_RETRY_AFTER_SECONDS),
  });

/** Undefined for what is not JSON: no schema takes that. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readBounded(answer: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of answer.body ?? []) {
    size += part.byteLength;
    if (size > MAX_ANSWER) throw new Error(`answer has more than ${MAX_ANSWER} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** fetch says "fetch failed" and hides why. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as Error;
  if (name === "TimeoutError") return "no answer in time";
  return messageOf(cause ?? error);
}
