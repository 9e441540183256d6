/**
 * Inputs on their way from an I/O thread to the simulation: one single-producer single-consumer ring per player.
 *
 * The producer is the I/O thread that holds the session; it changes only while the session is handed over, when
 * neither writes. A full ring refuses (the caller stops reading the socket): inputs are never dropped.
 */
import { INPUT_HEAD_BYTES, INPUT_PLACES, type ZoneMemory } from "./memory.ts";

/** [io] Adds input `seq`. False when the ring is full. */
export function pushInput(
  memory: ZoneMemory,
  slot: number,
  seq: number,
  kind: number,
  message: Uint8Array,
  at: number,
  size: number,
): boolean {
  // Plain looks: nobody else writes the head, and a tail that is out of date shows fewer places than there are.
  const head = memory.inputHead[slot] as number;
  if (((head - (memory.inputTail[slot] as number)) | 0) >= INPUT_PLACES) return false;
  const place = placeOf(memory, slot, head);
  const data = memory.inputData;
  data[place] = seq;
  data[place + 1] = seq >>> 8;
  data[place + 2] = seq >>> 16;
  data[place + 3] = seq >>> 24;
  data[place + 4] = kind;
  for (let i = 0; i < size; i++) data[place + INPUT_HEAD_BYTES + i] = message[at + i] as number;
  memory.accepted[slot] = seq;
  Atomics.store(memory.inputHead, slot, (head + 1) | 0);
  return true;
}

/** Called with the sequence number, the kind and where in `memory.inputData` the fields begin. */
export type InputVisit = (seq: number, kind: number, at: number) => void;

/** [simulation] Takes all waiting inputs of `slot` in order. */
export function drainInputs(memory: ZoneMemory, slot: number, visit: InputVisit): void {
  // Most rings are empty in most ticks: a plain look says so, and what it misses is there in the next tick.
  if (memory.inputHead[slot] === memory.inputTail[slot]) return;
  const head = Atomics.load(memory.inputHead, slot);
  let tail = memory.inputTail[slot] as number;
  const data = memory.inputData;
  while (tail !== head) {
    const at = placeOf(memory, slot, tail);
    const low = (data[at] as number) | ((data[at + 1] as number) << 8) | ((data[at + 2] as number) << 16);
    const seq = (low | ((data[at + 3] as number) << 24)) >>> 0;
    visit(seq, data[at + 4] as number, at + INPUT_HEAD_BYTES);
    tail = (tail + 1) | 0;
  }
  Atomics.store(memory.inputTail, slot, tail);
}

/** Empties a slot's ring for its next player. Only while the slot has no session. */
export function clearInputs(memory: ZoneMemory, slot: number): void {
  Atomics.store(memory.inputTail, slot, Atomics.load(memory.inputHead, slot));
  memory.accepted[slot] = 0;
}

function placeOf(memory: ZoneMemory, slot: number, count: number): number {
  return (slot * INPUT_PLACES + (count & (INPUT_PLACES - 1))) * memory.inputStride;
}
