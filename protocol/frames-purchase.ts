/**
 * Purchases on the player connection. The client makes the id before the first attempt and keeps it: BUY with the same
 * id is the question "what became of it?" as much as the order, and may be sent again on any connection.
 *
 * | BUY | id 16 bytes, quantity u16, offer length u8, offer |
 * |---|---|
 * | RECEIPT | id 16 bytes, status u8, ask again after ms u32 (0: final), detail length u8, detail |
 */
import { FRAME, opened } from "./frames.ts";
import { ByteWriter, encodeText, FrameError } from "./frames-bytes.ts";

/** In the order of their wire codes. `invalid` is a mistake of the caller; nothing was accepted. */
export const RECEIPT_STATUSES = [
  "settled",
  "declined",
  "pending",
  "refused",
  "quarantined",
  "conflict",
  "invalid",
] as const;
export type ReceiptStatus = (typeof RECEIPT_STATUSES)[number];

export interface Buy {
  /** UUIDv7, lower case. */
  readonly id: string;
  readonly offer: string;
  /** 1 … 65,535. */
  readonly quantity: number;
}

export interface Receipt {
  readonly id: string;
  readonly status: ReceiptStatus;
  /** Time after which to ask again; 0 when this is the last word. */
  readonly againAfterMs: number;
  /** Why, in one word for a program or one line for a person; may be empty. */
  readonly detail: string;
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const LONGEST = 255;

/** Throws FrameError for an id, offer or quantity that cannot be sent. */
export function encodeBuy({ id, offer, quantity }: Buy): Uint8Array {
  if (!(Number.isInteger(quantity) && quantity >= 1 && quantity <= 0xffff))
    throw new FrameError("quantity must be an integer, 1 to 65535");
  const name = encodeText(offer);
  if (name.length === 0 || name.length > LONGEST) throw new FrameError("offer must be 1 to 255 bytes");
  const writer = new ByteWriter(new Uint8Array(20 + name.length));
  writer.u8(FRAME.buy);
  writer.put(idBytes(id));
  writer.u16(quantity);
  writer.u8(name.length);
  writer.put(name);
  return writer.bytes;
}

export function decodeBuy(message: Uint8Array): Buy {
  const reader = opened(message, FRAME.buy);
  const id = idText(reader.bytes(16));
  const quantity = reader.u16();
  const offer = reader.text(reader.u8());
  reader.end();
  if (quantity === 0) throw new FrameError("quantity must be at least 1");
  if (offer === "") throw new FrameError("offer must be named");
  return { id, offer, quantity };
}

export function encodeReceipt({ id, status, againAfterMs, detail }: Receipt): Uint8Array {
  const text = encodeText(detail).subarray(0, LONGEST);
  const writer = new ByteWriter(new Uint8Array(23 + text.length));
  writer.u8(FRAME.receipt);
  writer.put(idBytes(id));
  writer.u8(RECEIPT_STATUSES.indexOf(status));
  writer.u32(againAfterMs);
  writer.u8(text.length);
  writer.put(text);
  return writer.bytes;
}

export function decodeReceipt(message: Uint8Array): Receipt {
  const reader = opened(message, FRAME.receipt);
  const id = idText(reader.bytes(16));
  const code = reader.u8();
  const status = RECEIPT_STATUSES[code];
  if (status === undefined) throw new FrameError(`receipt status ${code} is unknown`);
  const againAfterMs = reader.u32();
  const detail = reader.text(reader.u8());
  reader.end();
  return { id, status, againAfterMs, detail };
}

function idBytes(id: string): Uint8Array {
  if (!ID.test(id)) throw new FrameError("id must be a UUID in lower case");
  const hex = id.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16));
}

function idText(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
