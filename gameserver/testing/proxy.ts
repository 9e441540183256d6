/** A TCP proxy that can be cut, slowed down and worse: a store that goes away without being stopped. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Proxy {
  /** The same URL through the proxy. */
  readonly url: string;
  /** Ends all connections, and takes no more. */
  cut(): void;
  /** As `cut`, by a reset instead of an end. */
  reset(): void;
  /** Nothing goes through any more, and nothing is said: what was sent arrives after `heal`, as TCP has it. */
  blackHole(): void;
  /** All that goes through comes `ms` later, each way. */
  delay(ms: number): void;
  /** Ends the half of each connection that leads to the caller; what the caller sends goes nowhere. */
  halfClose(): void;
  /** Ends each connection when so many bytes more have gone to the server: in the midst of a command. */
  cutAfter(bytes: number): void;
  heal(): void;
  close(): void;
}

type State =
  | { readonly is: "whole" | "cut" | "reset" | "half" | "hole" }
  | { readonly is: "slow"; readonly ms: number }
  | { readonly is: "rationed"; readonly bytes: number };

interface Line {
  readonly near: Socket;
  readonly far: Socket;
  /** Bytes that may still go to the server. */
  left: number;
}

export async function proxyFor(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const lines = new Set<Line>();
  let state: State = { is: "whole" };
  const server = createServer((near) => {
    near.on("error", () => {});
    if (state.is === "cut") return void near.destroy();
    if (state.is === "reset") return void near.resetAndDestroy();
    if (state.is === "half") return void near.end();
    const line: Line = { near, far: connect(Number(port), hostname), left: Number.POSITIVE_INFINITY };
    lines.add(line);
    join(line, near, line.far, () => state);
    join(line, line.far, near, () => state);
    apply(line, state);
    near.on("close", () => lines.delete(line));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String((server.address() as AddressInfo).port);
  const become = (next: State) => {
    state = next;
    for (const line of lines) apply(line, next);
  };
  return {
    url: url.href,
    cut: () => become({ is: "cut" }),
    reset: () => become({ is: "reset" }),
    blackHole: () => become({ is: "hole" }),
    delay: (ms) => become({ is: "slow", ms }),
    halfClose: () => become({ is: "half" }),
    cutAfter: (bytes) => become({ is: "rationed", bytes }),
    heal: () => become({ is: "whole" }),
    close() {
      become({ is: "cut" });
      server.close();
    },
  };
}

/** What a new state does to a connection that stands. */
function apply(line: Line, state: State): void {
  const { near, far } = line;
  line.left = state.is === "rationed" ? state.bytes : Number.POSITIVE_INFINITY;
  for (const socket of [near, far]) {
    if (state.is === "cut") socket.destroy();
    else if (state.is === "reset") socket.resetAndDestroy();
    else if (state.is === "hole") socket.pause();
    else socket.resume();
  }
  if (state.is === "half") near.end();
}

function join(line: Line, from: Socket, to: Socket, state: () => State): void {
  from.on("error", () => {});
  from.on("close", () => to.destroy());
  from.on("data", (chunk: Buffer) => {
    const now = state();
    if (now.is === "half") return;
    if (now.is === "slow") return void setTimeout(() => to.writable && to.write(chunk), now.ms);
    if (to === line.far) line.left -= chunk.length;
    if (line.left >= 0) to.write(chunk);
    else {
      to.write(chunk.subarray(0, chunk.length + line.left));
      line.near.destroy();
      to.end();
    }
  });
}
