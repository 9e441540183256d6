/** An HTTP server on loopback whose every answer the test writes itself. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { createRegistry, type Registry } from "../../../platform/metrics.ts";
import { createTransport, type Transport } from "../transport.ts";

export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Answer = (asked: Asked, response: ServerResponse) => void | Promise<void>;

export interface TestServer {
  answer: Answer;
  readonly origin: string;
  readonly asked: Asked[];
  readonly sockets: Set<Socket>;
  readonly connections: number;
  readonly transport: Transport;
  readonly registry: Registry;
  close(): Promise<void>;
}

export async function startServer(answer: Answer = json(200, {})): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const asked: Asked[] = [];
  let connections = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://test");
    const body = await text(request).catch(() => "");
    const call = { method: request.method ?? "", url, headers: request.headers, body };
    asked.push(call);
    await server.answer(call, response);
  };
  const http = createServer((request, response) => void serve(request, response));
  http.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const registry = createRegistry();
  const credentials = () => Promise.resolve({ origin, basePath: "", headers: {}, tls: {} });
  const transport = createTransport({ credentials, registry });
  const server: TestServer = {
    answer,
    origin,
    asked,
    sockets,
    transport,
    registry,
    get connections() {
      return connections;
    },
    close: async () => {
      await transport.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
}

/** Answers in order; the last one stays. */
export function sequence(...answers: readonly Answer[]): Answer {
  let turn = 0;
  return (asked, response) => {
    const answer = answers[Math.min(turn, answers.length - 1)];
    turn += 1;
    return answer?.(asked, response);
  };
}

export const reset: Answer = (_, response) => void response.socket?.resetAndDestroy();
export const silence: Answer = () => {};
