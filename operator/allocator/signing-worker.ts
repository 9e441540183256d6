/** The thread of `signing-thread.ts`: a batch of texts in, their signatures out, base64url, in order. */
import { type KeyObject, sign } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";

const secret = workerData as KeyObject;

parentPort?.on("message", (texts: readonly string[]) => {
  const signatures = texts.map((text) => sign(null, Buffer.from(text), secret).toString("base64url"));
  parentPort?.postMessage(signatures);
});
