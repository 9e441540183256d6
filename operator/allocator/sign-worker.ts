/** Signs batches of tickets in a thread of its own: one message each way for as many as have gathered. */
import { type KeyObject, sign } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";

const key = workerData as KeyObject;

parentPort?.on("message", (contents: readonly string[]) => {
  parentPort?.postMessage(
    contents.map((content) => sign(null, Buffer.from(content), key).toString("base64url")),
  );
});
