/** The connection under the SDK: anything that carries whole binary messages. */
import { SUBPROTOCOL } from "../protocol/frames.ts";

export interface SocketHandlers {
  open(): void;
  message(bytes: Uint8Array): void;
  /** Called once, whatever ended it. 1006 when no close frame was seen. */
  close(code: number, reason: string): void;
}

export interface PlayerSocket {
  send(bytes: Uint8Array): void;
  close(code: number): void;
}

export type SocketFactory = (url: string, handlers: SocketHandlers) => PlayerSocket;

/** The platform's own WebSocket: browsers, and Node from 22 on. */
export const platformSocket: SocketFactory = (url, handlers) => {
  const socket = new WebSocket(url, SUBPROTOCOL);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => handlers.open());
  socket.addEventListener("message", ({ data }) => handlers.message(new Uint8Array(data as ArrayBuffer)));
  socket.addEventListener("close", ({ code, reason }) => handlers.close(code, reason));
  return {
    send: (bytes) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(bytes as Uint8Array<ArrayBuffer>);
    },
    close: (code) => socket.close(code),
  };
};
