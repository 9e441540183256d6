/**
 * End of a step: the columns that players may see, as wire codes, into the buffer that nobody reads; then one
 * atomic store makes it the front. A reader of the old front has a whole tick before it is written again.
 */
import { type FieldSpec, quantise } from "../../protocol/frames-schema.ts";
import { HEAD, identityOf, type NumberArray, type Published, SHARED, type ZoneMemory } from "./memory.ts";
import type { Schema } from "./schema.ts";

export function publish(schema: Schema, memory: ZoneMemory, unixMs: number): void {
  const back = 1 - Atomics.load(memory.shared, SHARED.front);
  const out = memory.published[back as 0 | 1];
  const high = memory.head[HEAD.high] as number;
  out.kind.set(memory.kind.subarray(0, high));
  for (let row = 0; row < high; row++) {
    out.identity[row] = identityOf(memory.generation[row] as number, memory.kind[row] as number);
  }
  for (let index = 0; index < schema.columns.length; index++) {
    const target = schema.columns[index]?.published ?? -1;
    if (target >= 0) publishColumn(schema, memory, index, out, target, high);
  }
  out.applied.set(memory.applied);
  out.info[0] = memory.head[HEAD.tick] as number;
  out.info[1] = high;
  out.time[0] = unixMs;
  Atomics.store(memory.shared, SHARED.front, back);
}

function publishColumn(
  schema: Schema,
  memory: ZoneMemory,
  index: number,
  out: Published,
  target: number,
  high: number,
): void {
  const field = schema.descriptor.columns[target] as FieldSpec;
  const from = memory.columns[index] as NumberArray;
  const to = out.columns[target] as NumberArray;
  const { kind } = memory;
  for (let row = 0; row < high; row++) {
    if (kind[row] !== 0) to[row] = quantise(field, from[row] as number);
  }
}
