import fc from "fast-check";
import { expect, test } from "vitest";
import { ApiError, isExpired } from "./errors.ts";
import { lines, watchEvents } from "./watch.ts";

async function* chunksOf(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === "string" ? Buffer.from(part) : part;
}

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(items);

const pod = (version: string) => ({ metadata: { name: "a", resourceVersion: version } });

test("lines survive any cut into chunks, characters across chunks too", async () => {
  const cuts = fc.array(fc.nat(40), { maxLength: 20 });
  const texts = fc.array(
    fc.string({ unit: "binary" }).map((text) => text.replaceAll("\n", " ")),
    { maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(texts, cuts, async (text, sizes) => {
      const bytes = Buffer.from(text.map((line) => `${line}\n`).join(""));
      const chunks: Uint8Array[] = [];
      let from = 0;
      for (const size of sizes) {
        chunks.push(bytes.subarray(from, from + size));
        from += size;
      }
      chunks.push(bytes.subarray(from));
      expect(await collect(lines(chunksOf(...chunks)))).toEqual(text);
    }),
  );
});

test("a line beyond the limit ends the stream instead of filling memory", async () => {
  await expect(collect(lines(chunksOf("12345", "67890"), 8))).rejects.toThrow("longer than 8 bytes");
});

test("a stream that ends inside an event is corrupt", async () => {
  await expect(collect(lines(chunksOf('{"type":'))).then(() => "ended")).rejects.toThrow(
    "ended inside an event",
  );
});

test("objects and bookmarks come out as they went in", async () => {
  const events = [
    { type: "ADDED", object: pod("5") },
    { type: "DELETED", object: pod("6") },
    { type: "BOOKMARK", object: { metadata: { resourceVersion: "9" } } },
  ];
  const body = events.map((event) => `${JSON.stringify(event)}\n`).join("");
  expect(await collect(watchEvents(chunksOf(body), "WATCH /x"))).toEqual([
    events[0],
    events[1],
    { type: "BOOKMARK", resourceVersion: "9" },
  ]);
});

test.each([
  ["bad JSON", "{nope}\n"],
  ["unknown type", '{"type":"MOVED","object":{}}\n'],
  ["no name", '{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}}\n'],
  ["no version", '{"type":"BOOKMARK","object":{"metadata":{}}}\n'],
])("%s is a corrupt stream", async (_, body) => {
  await expect(collect(watchEvents(chunksOf(body), "WATCH /x"))).rejects.toThrow("watch stream is corrupt");
});

test("an ERROR event throws what it says", async () => {
  const body = '{"type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old"}}\n';
  const error = await collect(watchEvents(chunksOf(body), "WATCH /x")).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(isExpired(error)).toBe(true);
  expect(String(error)).toContain("too old");
});
