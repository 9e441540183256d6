/**
 * A watch's bytes as events: newline-delimited JSON with bounded lines.
 *
 * Anything that is not a whole event (a line cut off, bad JSON, an unknown type) is a corrupt stream and throws:
 * to skip it would be to lose a change without a trace.
 */

import type { KubeObject } from "../api/objects.ts";
import { ApiError, connectionError } from "./errors.ts";

export interface ObjectEvent<T extends KubeObject> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: T;
}

/** Nothing changed up to this version: lets a quiet watch resume without a relist. */
export interface BookmarkEvent {
  readonly type: "BOOKMARK";
  readonly resourceVersion: string;
}

export type WatchEvent<T extends KubeObject> = ObjectEvent<T> | BookmarkEvent;

/** An object may hold 1.5 MiB in etcd; as JSON with escapes it stays below this. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

/** Splits chunks into lines. Throws when a line exceeds the limit or the stream ends inside one. */
export async function* lines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes = MAX_LINE_BYTES,
): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      parts.push(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      // Decoded only when whole: a character may lie across two chunks.
      yield Buffer.concat(parts).toString("utf8");
      parts = [];
      size = 0;
    }
    if (rest.length === 0) continue;
    size += rest.length;
    if (size > maxBytes) throw corrupt(`line longer than ${maxBytes} bytes`);
    parts.push(rest);
  }
  if (size > 0) throw corrupt("ended inside an event");
}

/** Decodes events. An `ERROR` event throws as the `ApiError` it describes (410: `isExpired`). */
export async function* watchEvents<T extends KubeObject>(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<WatchEvent<T>> {
  for await (const line of lines(chunks)) {
    if (line !== "") yield decodeEvent<T>(line, what);
  }
}

interface RawEvent {
  readonly type?: unknown;
  readonly object?: {
    readonly metadata?: { readonly name?: unknown; readonly resourceVersion?: unknown };
    readonly code?: unknown;
    readonly reason?: unknown;
    readonly message?: unknown;
  };
}

function decodeEvent<T extends KubeObject>(line: string, what: string): WatchEvent<T> {
  const event = parse(line);
  const metadata = event.object?.metadata;
  switch (event.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      if (typeof metadata?.name !== "string" || typeof metadata.resourceVersion !== "string") {
        throw corrupt(`${event.type} without a named object`);
      }
      return { type: event.type, object: event.object as unknown as T };
    case "BOOKMARK":
      if (typeof metadata?.resourceVersion !== "string") throw corrupt("BOOKMARK without a version");
      return { type: "BOOKMARK", resourceVersion: metadata.resourceVersion };
    case "ERROR":
      throw new ApiError(
        typeof event.object?.code === "number" ? event.object.code : 500,
        textOr(event.object?.reason, "Unknown"),
        `${what}: ${textOr(event.object?.message, "watch error")}`,
      );
    default:
      throw corrupt(`unknown event type ${String(event.type)}`);
  }
}

function parse(line: string): RawEvent {
  try {
    return JSON.parse(line) as RawEvent;
  } catch (error) {
    throw connectionError("watch stream is corrupt", error);
  }
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

function corrupt(detail: string): ApiError {
  return connectionError("watch stream is corrupt", new Error(detail));
}
