/**
 * End of a step: the columns that players may see, as wire codes, into the buffer that nobody reads; then one
 * atomic store makes it the front. A reader of the old front has a whole tick before it is written again.
 */
import { type FieldSpec, quantise } from "../../protocol/frames-schema.ts";
import { HEAD, identityOf, type NumberArray, type Published, SHARED, type ZoneMemory } from "./memory.ts";
import type { Schema } from "./schema.ts";
import { wirePlace } from "./wire-rows.ts";

/** `starts`: first row of each kind, as of `kindStarts`. */
export function publish(schema: Schema, memory: ZoneMemory, starts: readonly number[], unixMs: number): void {
  const back = 1 - Atomics.load(memory.shared, SHARED.front);
  const out = memory.published[back as 0 | 1];
  const high = memory.head[HEAD.high] as number;
  out.kind.set(memory.kind.subarray(0, high));
  for (let row = 0; row < high; row++) {
    out.identity[row] = identityOf(memory.generation[row] as number, memory.kind[row] as number);
  }
  for (let kind = 0; kind < schema.kinds.length; kind++) {
    for (const index of schema.kinds[kind]?.sends ?? []) {
      publishColumn(schema, memory, index, out, kind, starts[kind] as number);
    }
  }
  out.applied.set(memory.applied);
  out.info[0] = memory.head[HEAD.tick] as number;
  out.info[1] = high;
  out.time[0] = unixMs;
  Atomics.store(memory.shared, SHARED.front, back);
}

/** One column of one kind, whose rows begin at `from`. */
function publishColumn(
  schema: Schema,
  memory: ZoneMemory,
  index: number,
  out: Published,
  kind: number,
  from: number,
): void {
  const { codes, stride } = out;
  const to = memory.kindHigh[kind] as number;
  const target = schema.columns[index]?.published ?? -1;
  const field = schema.descriptor.columns[target] as FieldSpec;
  const values = memory.columns[index] as NumberArray;
  let at = from * stride + wirePlace(schema.descriptor, kind, target);
  if (field.wrap) {
    for (let row = from; row < to; row++, at += stride) codes[at] = quantise(field, values[row] as number);
    return;
  }
  // `quantise` by hand: this is the hottest loop of publishing. NaN falls through to 0.
  const { min, step, count } = field;
  for (let row = from; row < to; row++, at += stride) {
    const code = ((values[row] as number) - min) / step + 0.5;
    codes[at] = code >= count ? count - 1 : code >= 1 ? Math.floor(code) : 0;
  }
}
