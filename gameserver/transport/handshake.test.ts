import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge, MAX_REQUEST_BYTES } from "./handshake.ts";

const HEADERS: Readonly<Record<string, string>> = {
  Host: "x",
  Upgrade: "websocket",
  Connection: "keep-alive, Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Protocol": "chat, gamefleet.v1",
};

function request(
  over: Record<string, string | undefined> = {},
  line = "GET / HTTP/1.1",
  extra: readonly string[] = [],
): Buffer {
  const headers = Object.entries({ ...HEADERS, ...over }).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}: ${value}`,
  );
  return Buffer.from([line, ...headers, ...extra, "", ""].join("\r\n"), "latin1");
}
const statusOf = (bytes: Buffer) => {
  const verdict = judge(bytes);
  return verdict.type === "wait" ? "wait" : Number(verdict.response.split(" ")[1]);
};

describe("the handshake", () => {
  it("answers the example of the RFC, and frames begin behind it", () => {
    const bytes = Buffer.concat([
      request({ "Sec-WebSocket-Extensions": "permessage-deflate" }),
      Buffer.from("rest"),
    ]);
    const verdict = judge(bytes);
    expect(verdict).toMatchObject({ type: "accept", rest: bytes.length - 4 });
    const { response } = verdict as { response: string };
    expect(response).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    expect(response).toContain("Sec-WebSocket-Protocol: gamefleet.v1");
    expect(response).not.toContain("Extensions");
  });

  it("waits for the whole request, however it is cut", () => {
    const whole = request();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (end) => {
        expect(statusOf(whole.subarray(0, end))).toBe("wait");
      }),
    );
  });

  it.each<[string, Buffer, number]>([
    ["another method", request({}, "POST / HTTP/1.1"), 400],
    ["another version of HTTP", request({}, "GET / HTTP/1.0"), 400],
    ["another path", request({}, "GET /admin HTTP/1.1"), 404],
    ["no host", request({ Host: undefined }), 400],
    ["two hosts", request({}, undefined, ["Host: y"]), 400],
    ["two keys", request({}, undefined, ["sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="]), 400],
    ["a folded header", request({}, undefined, [" folded"]), 400],
    ["a space before the colon", request({}, undefined, ["X : y"]), 400],
    ["a bare line feed", request({}, undefined, ["X: y\nZ: z"]), 400],
    ["a body", request({ "Content-Length": "5" }), 400],
    ["a chunked body", request({ "Transfer-Encoding": "chunked" }), 400],
    ["no upgrade", request({ Upgrade: undefined }), 426],
    ["another version of WebSocket", request({ "Sec-WebSocket-Version": "8" }), 426],
    ["a key of another length", request({ "Sec-WebSocket-Key": "c2hvcnQ=" }), 400],
    ["another subprotocol", request({ "Sec-WebSocket-Protocol": "chat" }), 400],
    [
      "too many headers",
      request(
        {},
        undefined,
        Array.from({ length: 64 }, (_, i) => `X-${i}: y`),
      ),
      431,
    ],
    ["a request that never ends", Buffer.alloc(MAX_REQUEST_BYTES + 1, "a"), 431],
    ["a request too long", request({ Cookie: "c".repeat(MAX_REQUEST_BYTES) }), 431],
  ])("refuses %s", (_what, bytes, status) => {
    expect(statusOf(bytes)).toBe(status);
  });

  it("judges any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(judge(Buffer.concat([Buffer.from(bytes), Buffer.from("\r\n\r\n")])).type).toBe("refuse");
      }),
    );
  });
});
