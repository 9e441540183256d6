/**
 * Sockets that read into one buffer, all of a thread. A socket of a server has new memory made for each read, which costs
 * as much as all that is then done with an input; Node reads into memory of ours (`onread`) only where it is asked to
 * when a socket is made. So the connection is handed on to a socket that is made anew.
 *
 * Handing on needs the handle, which Node keeps to itself. Where it should not be there the socket stays as it is:
 * slower, and the same otherwise.
 */
import { Socket, type SocketConstructorOpts } from "node:net";

/** As much as Node reads at a time. */
const BUFFER = Buffer.allocUnsafeSlow(65_536);
/** Its first bytes, by their number, each made once: most reads bring one input. */
const STARTS: Buffer[] = [];
const STARTS_KEPT = 256;

/** What Node names it. */
const HANDLE = "_handle";

interface WithHandle {
  [HANDLE]?: { readonly useUserBuffer?: unknown } | null;
}

/**
 * The connection of `socket`, which a server with `pauseOnConnect` has just accepted; `socket` itself is over, and does
 * not count as a connection of its server any more. What comes is told as "data" and is valid during the event only.
 */
export function readingIntoOneBuffer(socket: Socket): Socket {
  const old = socket as WithHandle;
  const handle = old[HANDLE];
  if (typeof handle?.useUserBuffer !== "function") return socket.resume();
  old[HANDLE] = null;
  const callback = (count: number): boolean => {
    made.emit("data", start(count));
    return true;
  };
  // `net.Server` makes its sockets by the same option; the types know it for another sort of handle.
  const options: unknown = { handle, onread: { buffer: BUFFER, callback } };
  const made = new Socket(options as SocketConstructorOpts);
  socket.destroy();
  return made;
}

function start(count: number): Buffer {
  if (count > STARTS_KEPT) return BUFFER.subarray(0, count);
  STARTS[count] ??= BUFFER.subarray(0, count);
  return STARTS[count];
}
