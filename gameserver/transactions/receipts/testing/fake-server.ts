/** A store as an HTTP server on loopback, to be away in every way that a store can be. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Fault =
  /** Takes the request and never answers. */
  | "silent"
  /** Answers the head and half a body, then closes. */
  | "cut"
  | "error"
  | "busy"
  | "denied"
  | "nonsense"
  /** JSON that is not what was asked for. */
  | "odd"
  | "huge"
  | "redirect";

export interface Asked {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: string;
}

export class FakeServer {
  readonly asked: Asked[] = [];
  /** What is wrong, for requests whose path it matches. */
  fault: { readonly kind: Fault; readonly path?: RegExp } | undefined;
  readonly #server: Server;
  readonly #answer: (asked: Asked) => Reply | Promise<Reply>;

  constructor(answer: (asked: Asked) => Reply | Promise<Reply>) {
    this.#answer = answer;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Requests whose path matches. */
  count(path: RegExp): number {
    return this.asked.filter((one) => path.test(one.path)).length;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const part of request) body += String(part);
    const { method = "", url: path = "", headers } = request;
    const asked = { method, path, headers, body };
    this.asked.push(asked);
    const fault = this.fault && (this.fault.path ?? /./).test(path) ? this.fault.kind : undefined;
    if (fault) return fail(fault, response);
    const {
      status = 200,
      json,
      text = json === undefined ? "" : JSON.stringify(json),
    } = await this.#answer(asked);
    response.writeHead(status, { "content-type": "application/json" }).end(text);
  }
}

function fail(fault: Fault, response: ServerResponse): void {
  switch (fault) {
    case "silent":
      return;
    case "cut":
      response.writeHead(200, { "content-length": 100 }).write('{"half":');
      setTimeout(() => response.destroy(), 10);
      return;
    case "error":
      response.writeHead(503).end("{}");
      return;
    case "busy":
      response.writeHead(429, { "retry-after": "7" }).end("{}");
      return;
    case "denied":
      response.writeHead(401).end("{}");
      return;
    case "nonsense":
      response.writeHead(200).end("<html>hello</html>");
      return;
    case "odd":
      response.writeHead(200).end('{"odd":true}');
      return;
    case "huge":
      response.writeHead(200).end("x".repeat(300_000));
      return;
    case "redirect":
      response.writeHead(302, { location: "http://127.0.0.1:9/" }).end();
      return;
  }
}
