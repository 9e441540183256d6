/** A connection as its I/O thread knows it, from the handshake to its end. */
import { CLOSE } from "../../protocol/close.ts";
import { decodeHello, type Hello, PROTOCOL_VERSION } from "../../protocol/frames.ts";
import { FrameError } from "../../protocol/frames-bytes.ts";
import type { Bucket } from "../sessions/limits.ts";
import type { PlayerConnection } from "./connection.ts";
import type { IoSession } from "./io-session.ts";
import { WebSocketError } from "./websocket.ts";

export interface Guest {
  readonly connection: PlayerConnection;
  session: IoSession | undefined;
  saidHello: boolean;
  /** Its session's; before HELLO is answered its own, and a flood in that time ends there. */
  bucket: Bucket;
}

/** The one HELLO of a connection. Throws for a second one, what is none, and a version this server does not speak. */
export function greeting(guest: Guest, message: Uint8Array): Hello {
  if (guest.saidHello) throw new FrameError("message before WELCOME");
  const hello = decodeHello(message);
  if (hello.version !== PROTOCOL_VERSION)
    throw new WebSocketError(CLOSE.versionUnsupported, `this server speaks version ${PROTOCOL_VERSION}`);
  guest.saidHello = true;
  return hello;
}
