/** What callers and pods of the kill loop say to each other: JSON, a line each, over TCP on loopback. */
import type { Socket } from "node:net";
import type { Answer } from "../../../gameserver/transactions/answer.ts";
import type { Entry } from "../../../gameserver/transactions/entry.ts";

/** The caller's number of the request, and what is asked for. */
export type Ask = readonly [number, Entry];
export type Reply = readonly [number, Answer];

/** Calls `onLine` for each whole line that comes in. */
export function readLines(socket: Socket, onLine: (line: string) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
}

/** Lines that are written in one turn of the event loop go out together. */
export function lineWriter(socket: Socket): (line: string) => void {
  let waiting: string[] = [];
  return (line) => {
    if (waiting.length === 0) {
      setImmediate(() => {
        if (socket.writable) socket.write(waiting.join(""));
        waiting = [];
      });
    }
    waiting.push(`${line}\n`);
  };
}
