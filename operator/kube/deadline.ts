/**
 * One abort signal for one call: it fires when the caller's signal does or when time is up.
 *
 * Not `AbortSignal.any([signal, AbortSignal.timeout(ms)])`: the caller's signal may live as long as the process,
 * and whatever hangs on to it must be removed when the call ends.
 */
import { fail } from "../../platform/errors.ts";

export async function withDeadline<T>(
  what: string,
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const call = new AbortController();
  const abort = (): void => call.abort(fail("ABORTED", `${what}: stopped`, { cause: signal?.reason }));
  const timer = setTimeout(() => call.abort(fail("TIMEOUT", `${what}: no answer within ${ms} ms`)), ms);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await work(call.signal);
  } catch (error) {
    // Libraries wrap or replace the reason of an abort; ours says what happened.
    throw call.signal.aborted ? call.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
