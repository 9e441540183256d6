/**
 * The floor: what sending and receiving alone costs in Node. A bare `net` server that upgrades anyone, throws away what
 * it reads, and writes one prebuilt frame to each connection ten times a second, as long as ours are on average, spread
 * over sub-ticks of 16 ms as ours are.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { FromServer } from "./messages.ts";

const PHASES = 6;
const PHASE_MS = 100 / PHASES;
const bytes = Number(process.env.GAMEFLEET_BENCH_BYTES ?? 80);
const tell = (message: FromServer) => process.send?.(message);

const frame = Buffer.alloc(bytes, 1);
frame[0] = 0x82;
frame[1] = bytes - 2;
const sockets: Socket[] = [];

const server = createServer({ noDelay: true }, (socket) => {
  let upgraded = false;
  socket.on("error", () => {});
  socket.on("data", () => {
    if (upgraded) return;
    upgraded = true;
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    sockets.push(socket);
  });
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () => {
  tell({ type: "listening", port: (server.address() as AddressInfo).port });
});

let phase = 0;
let next = performance.now() + PHASE_MS;
const beat = () => {
  const now = performance.now();
  // Phases that were missed are given up, as our pod gives them up.
  while (next <= now) {
    for (let i = phase; i < sockets.length; i += PHASES) {
      const socket = sockets[i] as Socket;
      // A copy of the view: each write of ours is memory of its own as well.
      if (socket.writableLength === 0) socket.write(frame.subarray(0));
    }
    phase = (phase + 1) % PHASES;
    next = now - next > 100 ? now + PHASE_MS : next + PHASE_MS;
  }
  setTimeout(beat, Math.max(1, next - performance.now()));
};
beat();
process.on("disconnect", () => process.exit(0));
