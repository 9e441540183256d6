import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { decodeBuy, type ReceiptStatus } from "../protocol/frames-purchase.ts";
import { Purchases } from "./purchases.ts";

let sent: ReturnType<typeof decodeBuy>[];
let purchases: Purchases;
beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  purchases = new Purchases((frame) => sent.push(decodeBuy(frame)));
});
afterEach(() => vi.useRealTimers());

const hear = (status: ReceiptStatus, againAfterMs = 0, index = 0) =>
  purchases.heard({ id: sent[index]?.id ?? "", status, againAfterMs, detail: "why" });

it("asks once and is done with the last word", async () => {
  const bought = purchases.buy("refit", 2);
  expect(sent).toMatchObject([{ offer: "refit", quantity: 2 }]);
  hear("settled");
  expect(await bought).toMatchObject({ id: sent[0]?.id, status: "settled" });
  vi.advanceTimersByTime(60_000);
  expect(sent).toHaveLength(1);
});

it.each(["pending", "refused"] as const)(
  "asks again with the same id after %s, not before it was told to and not much later",
  async (status) => {
    const bought = purchases.buy("refit", 1);
    hear(status, 700);
    vi.advanceTimersByTime(699);
    expect(sent).toHaveLength(1);
    vi.advanceTimersByTime(1 + 700 / 2);
    expect(sent).toHaveLength(2);
    expect(sent[1]).toEqual(sent[0]);
    hear("declined");
    expect(await bought).toMatchObject({ status: "declined", detail: "why" });
  },
);

it("spreads those who were refused together", () => {
  for (const chance of [0, 0.5]) {
    const random = vi.spyOn(Math, "random").mockReturnValue(chance);
    void purchases.buy("refit", 1);
    hear("refused", 1_000, sent.length - 1);
    random.mockRestore();
  }
  vi.advanceTimersByTime(1_000);
  expect(sent).toHaveLength(3);
  vi.advanceTimersByTime(250);
  expect(sent).toHaveLength(4);
});

it("asks again when no answer comes, and at once on a new connection", () => {
  void purchases.buy("refit", 1);
  void purchases.buy("refit", 1);
  vi.advanceTimersByTime(4_000);
  expect(sent).toHaveLength(4);
  purchases.connected();
  expect(sent).toHaveLength(6);
  expect(new Set(sent.map((buy) => buy.id)).size).toBe(2);
});

it("says unknown for what was not heard of when play ends", async () => {
  const bought = purchases.buy("refit", 1);
  purchases.end();
  expect(await bought).toMatchObject({ status: "unknown" });
  vi.advanceTimersByTime(60_000);
  expect(sent).toHaveLength(1);
});

it("does not keep what cannot be sent, and does not mind a receipt it did not ask for", () => {
  expect(() => void purchases.buy("", 1)).toThrow("offer");
  purchases.connected();
  expect(sent).toEqual([]);
  purchases.heard({ id: "x", status: "settled", againAfterMs: 0, detail: "" });
});

it("makes ids that sort by time", () => {
  void purchases.buy("refit", 1);
  vi.advanceTimersByTime(5);
  void purchases.buy("refit", 1);
  const [first, second] = sent;
  expect(first?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  expect((first?.id ?? "") < (second?.id ?? "")).toBe(true);
});
