import { generateKeyPairSync, verify } from "node:crypto";
import { afterEach, expect, it } from "vitest";
import { SigningThread } from "./signing-thread.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const good = (text: string, signature: string) =>
  verify(null, Buffer.from(text), publicKey, Buffer.from(signature, "base64url"));
let thread: SigningThread;
afterEach(() => thread.close());

it("signs each text with its own signature, over many batches at once", async () => {
  thread = new SigningThread(privateKey);
  const texts = Array.from({ length: 500 }, (_, n) => `ticket ${n}`);
  const early = texts.slice(0, 100).map((text) => thread.sign(text));
  await early[0];
  const late = texts.slice(100).map((text) => thread.sign(text));
  const signatures = await Promise.all([...early, ...late]);
  for (const [index, text] of texts.entries()) expect(good(text, signatures[index] ?? ""), text).toBe(true);
  expect(good("ticket 1", signatures[0] ?? "")).toBe(false);
});

it("signs all that was asked for before it ends, and nothing after that", async () => {
  thread = new SigningThread(privateKey);
  const first = thread.sign("a");
  const asked = ["b", "c"].map((text) => thread.sign(text));
  thread.close();
  expect(good("a", await first)).toBe(true);
  expect(good("c", (await Promise.all(asked))[1] ?? "")).toBe(true);
  await expect.poll(() => thread.alive).toBe(false);
  await expect(thread.sign("d")).rejects.toThrow("ended");
});

it("rejects what waits when the thread fails", async () => {
  // Only a private key signs: the thread throws.
  thread = new SigningThread(publicKey);
  await expect(thread.sign("a")).rejects.toThrow("key");
  expect(thread.alive).toBe(false);
});
