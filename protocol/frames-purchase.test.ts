import fc from "fast-check";
import { expect, it } from "vitest";
import { FrameError } from "./frames-bytes.ts";
import { decodeBuy, decodeReceipt, encodeBuy, encodeReceipt, RECEIPT_STATUSES } from "./frames-purchase.ts";

const offer = fc.string({ minLength: 1, maxLength: 60 });

it("BUY and RECEIPT are read as they were written", () => {
  fc.assert(
    fc.property(fc.uuid(), offer, fc.integer({ min: 1, max: 0xffff }), (id, name, quantity) => {
      expect(decodeBuy(encodeBuy({ id, offer: name, quantity }))).toEqual({ id, offer: name, quantity });
    }),
  );
  const status = fc.constantFrom(...RECEIPT_STATUSES);
  fc.assert(
    fc.property(
      fc.uuid(),
      status,
      fc.nat(),
      fc.string({ maxLength: 60 }),
      (id, code, againAfterMs, detail) => {
        const receipt = { id, status: code, againAfterMs, detail };
        expect(decodeReceipt(encodeReceipt(receipt))).toEqual(receipt);
      },
    ),
  );
});

it("nothing else is read, and nothing but FrameError is thrown", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(0x06, 0x86), (bytes, type) => {
      const message = Uint8Array.of(type, ...bytes);
      const decode = type === 0x06 ? decodeBuy : decodeReceipt;
      try {
        decode(message);
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
  );
});

it.each([
  ["no quantity", { id: "00000000-0000-7000-8000-000000000000", offer: "x", quantity: 0 }],
  ["a fraction", { id: "00000000-0000-7000-8000-000000000000", offer: "x", quantity: 1.5 }],
  ["no offer", { id: "00000000-0000-7000-8000-000000000000", offer: "", quantity: 1 }],
  [
    "an offer that is too long",
    { id: "00000000-0000-7000-8000-000000000000", offer: "x".repeat(256), quantity: 1 },
  ],
  ["no id", { id: "7", offer: "x", quantity: 1 }],
])("%s cannot be sent", (_what, buy) => {
  expect(() => encodeBuy(buy)).toThrow(FrameError);
});

it("a detail that is too long is cut", () => {
  const id = "00000000-0000-7000-8000-000000000000";
  const receipt = encodeReceipt({ id, status: "invalid", againAfterMs: 0, detail: "x".repeat(400) });
  expect(decodeReceipt(receipt).detail).toHaveLength(255);
});
