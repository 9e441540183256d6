/**
 * One watch stream of the fake API server, with the faults its plan asks for.
 */
import type { ServerResponse } from "node:http";
import type { FakeCluster, LogEntry } from "./fake-cluster.ts";
import type { StreamFault, StreamPlan } from "./faults.ts";

export function serveWatch(
  cluster: FakeCluster,
  plural: string,
  query: URLSearchParams,
  plan: StreamPlan,
  response: ServerResponse,
): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  const asked = query.get("resourceVersion") ?? "";
  const stream = new Stream(cluster, plural, plan, response);
  if (asked === "") stream.sendInitial();
  else stream.resumeAt(Number(asked));
}

class Stream {
  readonly #cluster: FakeCluster;
  readonly #plural: string;
  readonly #plan: StreamPlan;
  readonly #response: ServerResponse;
  #version = 0;
  #over = false;

  constructor(cluster: FakeCluster, plural: string, plan: StreamPlan, response: ServerResponse) {
    this.#cluster = cluster;
    this.#plural = plural;
    this.#plan = plan;
    this.#response = response;
    // A stream that reorders waits for a second event to swap with.
    const unsubscribe = cluster.onChange(() =>
      plan.reorder ? setImmediate(() => this.#pump()) : this.#pump(),
    );
    response.on("close", () => {
      this.#over = true;
      unsubscribe();
    });
  }

  sendInitial(): void {
    for (const object of this.#cluster.list(this.#plural)) this.#line({ type: "ADDED", object });
    this.resumeAt(this.#cluster.version);
  }

  resumeAt(version: number): void {
    this.#version = version;
    this.#pump();
  }

  #pump(): void {
    if (this.#over) return;
    const entries = this.#cluster.since(this.#plural, this.#version);
    if (entries === undefined) {
      this.#error(410);
      return;
    }
    for (const entry of this.#plan.reorder ? swapNeighbours(entries) : entries) {
      if (this.#over) return;
      this.#version = Math.max(this.#version, entry.version);
      this.#send(entry, this.#plan.next());
    }
  }

  #send(entry: LogEntry, fault: StreamFault): void {
    const line = `${JSON.stringify({ type: entry.type, object: entry.object })}\n`;
    const half = line.slice(0, line.length / 2);
    switch (fault) {
      case "none":
        return this.#write(line);
      case "duplicate":
        return this.#write(line + line);
      case "bytewise":
        for (const byte of Buffer.from(line)) this.#response.write(Buffer.of(byte));
        return;
      case "bookmark":
        this.#write(line);
        return this.#line({ type: "BOOKMARK", object: bookmark(entry.version) });
      case "close":
        return this.#end("");
      case "closeMidLine":
        return this.#end(half);
      case "resetMidLine":
        this.#over = true;
        this.#response.write(half, () => this.#response.socket?.resetAndDestroy());
        return;
      case "badJson":
        return this.#write(`${half}\n`);
      case "unknownType":
        return this.#line({ type: "MOVED", object: entry.object });
      case "error410":
        return this.#error(410);
      case "error500":
        return this.#error(500);
      case "silent":
        // Open, and never heard of again.
        this.#over = true;
    }
  }

  #error(code: number): void {
    this.#line({ type: "ERROR", object: { kind: "Status", code, reason: "Fake", message: "fake" } });
    this.#end("");
  }

  #line(event: object): void {
    this.#write(`${JSON.stringify(event)}\n`);
  }

  #write(text: string): void {
    this.#response.write(text);
  }

  #end(text: string): void {
    this.#over = true;
    this.#response.end(text);
  }
}

function bookmark(version: number): object {
  return { kind: "Bookmark", metadata: { resourceVersion: String(version) } };
}

/** Swaps each pair of neighbours that concern different objects. */
function swapNeighbours(entries: readonly LogEntry[]): readonly LogEntry[] {
  const out: LogEntry[] = [];
  for (let i = 0; i < entries.length; i += 1) {
    const [one, two] = [entries[i], entries[i + 1]];
    if (one === undefined) break;
    const swap = two !== undefined && one.object.metadata.name !== two.object.metadata.name;
    if (!swap) out.push(one);
    else {
      out.push(two, one);
      i += 1;
    }
  }
  return out;
}
