/**
 * Fencing at the last moment: a write is checked when its socket is ready and its first byte is about to go.
 *
 * A check before the call would be worth little. Between it and the socket lie a queue for a place in flight,
 * perhaps a new connection, perhaps a process that was paused for a minute: exactly the cases that make a
 * leader act after its time.
 */
import type { Dispatcher } from "undici";

/** Throws a `GamefleetError` when writing is not allowed now. Must be synchronous and cheap. */
export type Guard = () => void;

export async function sendGuarded(
  dispatcher: Dispatcher,
  guard: Guard | undefined,
  options: Dispatcher.RequestOptions,
): Promise<Dispatcher.ResponseData> {
  if (guard === undefined) return dispatcher.request(options);
  const withGuard = dispatcher.compose((dispatch) => (opts, handler) => {
    const start = handler.onRequestStart?.bind(handler);
    // undici calls this right before it writes the head; an error thrown here ends the request unsent and
    // leaves the connection usable. The handler belongs to this one request.
    handler.onRequestStart = (controller, context) => {
      guard();
      start?.(controller, context);
    };
    return dispatch(opts, handler);
  });
  return withGuard.request(options);
}
