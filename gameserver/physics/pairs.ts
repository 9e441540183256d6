/**
 * Second part of a step: who is near whom, strip by strip, and what overlaps is pushed apart.
 *
 * A strip's inner pairs move only its own bodies, and pairs across a border only those of the two columns beside
 * it: strips can be worked on by anybody in any order, then borders can. That is what makes two workers give what
 * one gives, bit by bit.
 *
 * However many bodies lie in one heap, each looks at no more than `MOST_TESTS` others on either side, another
 * part of the heap in every step: a pile comes apart more slowly, and its cost stays in proportion to its bodies.
 */
import { resolveCapsules, resolveCircles } from "./contacts.ts";
import { type KernelData, stripStart, TOLD_ACROSS, TOLD_INSIDE } from "./kernel-data.ts";
import { ROLE } from "./layout.ts";

const MOST_TESTS = 32;

/** Puts the bodies of strips `from` … `to` − 1 into their cells, each cell in row order. */
export function fillCells(data: KernelData, high: number, from: number, to: number): void {
  const { layout, cellOf, first, end, items } = data;
  const low = stripStart(layout, from) * layout.lines;
  const top = stripStart(layout, to) * layout.lines;
  end.fill(0, low, top);
  let at = 0;
  for (let row = 0; row < high; row++) {
    const cell = cellOf[row] as number;
    if (cell < 0) continue;
    if (cell < low) at++;
    else if (cell < top) end[cell] = (end[cell] as number) + 1;
  }
  for (let cell = low; cell < top; cell++) {
    const count = end[cell] as number;
    first[cell] = at;
    end[cell] = at;
    at += count;
  }
  for (let row = 0; row < high; row++) {
    const cell = cellOf[row] as number;
    if (cell < low || cell >= top) continue;
    const place = end[cell] as number;
    items[place] = row;
    end[cell] = place + 1;
  }
}

/** A list of touches, lower row first. What does not fit is not told: finders have their own limits before that. */
export class Touches {
  readonly #pairs: Uint16Array;
  readonly #wanted: boolean;
  length = 0;

  constructor(pairs: Uint16Array, wanted: boolean) {
    this.#pairs = pairs;
    this.#wanted = wanted;
  }

  add(a: number, b: number): void {
    if (!this.#wanted || this.length + 2 > this.#pairs.length) return;
    this.#pairs[this.length] = a < b ? a : b;
    this.#pairs[this.length + 1] = a < b ? b : a;
    this.length += 2;
  }

  at(index: number): number {
    return this.#pairs[index] as number;
  }
}

/** Pairs with both bodies in the same strip, for strips `from` … `to` − 1: body by body in the order of cells. */
export function pairInside(data: KernelData, from: number, to: number, tick: number, touches: Touches): void {
  const { layout, first, end, items, role, cellOf, bandOf, tests, reach } = data;
  const { x, y, kind } = data.bodies;
  const { lines, bands } = layout;
  for (let strip = from; strip < to; strip++) {
    // Cells from here on are of the last column: what is beside them belongs to the next strip.
    const border = (stripStart(layout, strip + 1) - 1) * lines;
    const stop = end[border + lines - 1] as number;
    for (let i = first[stripStart(layout, strip) * lines] as number; i < stop; i++) {
      const row = items[i] as number;
      const k = kind[row] as number;
      if (role[k] === ROLE.rigid) continue;
      const cell = cellOf[row] as number;
      const line = cell % lines;
      const top = line + 1 < lines ? 1 : 0;
      const above = end[cell + top] as number;
      let start = 0;
      let halt = 0;
      if (cell < border) {
        start = first[cell + lines - (line > 0 ? 1 : 0)] as number;
        halt = end[cell + lines + top] as number;
      }
      const looked = above - i - 1 + halt - start;
      if (looked === 0) continue;
      const tile = strip * bands + (bandOf[line] as number);
      tests[tile] = (tests[tile] as number) + looked;
      // First only whether anything is near: most bodies touch nothing, and this is where the time goes.
      const mine = reach[k] as number;
      const atX = x[row] as number;
      const atY = y[row] as number;
      let near = looked > MOST_TESTS;
      for (let n = i + 1; n < above && !near; n++) {
        const other = items[n] as number;
        const dx = (x[other] as number) - atX;
        const dy = (y[other] as number) - atY;
        const sum = mine + (reach[kind[other] as number] as number);
        near = dx * dx + dy * dy < sum * sum;
      }
      for (let n = start; n < halt && !near; n++) {
        const other = items[n] as number;
        const dx = (x[other] as number) - atX;
        const dy = (y[other] as number) - atY;
        const sum = mine + (reach[kind[other] as number] as number);
        near = dx * dx + dy * dy < sum * sum;
      }
      if (!near) continue;
      const told = range(data, row, i + 1, above, tick, touches, TOLD_INSIDE);
      range(data, row, start, halt, tick, touches, TOLD_INSIDE - told);
    }
  }
}

/** Pairs between the last column of each strip `from` … `to` − 1 and the first of the next. */
export function pairAcross(data: KernelData, from: number, to: number, tick: number, touches: Touches): void {
  const { layout, first, end, items, bodies, role } = data;
  const { lines } = layout;
  for (let strip = from; strip < Math.min(to, layout.strips - 1); strip++) {
    const column = stripStart(layout, strip + 1) - 1;
    for (let line = 0; line < lines; line++) {
      const cell = column * lines + line;
      const stop = end[cell] as number;
      if (first[cell] === stop) continue;
      const start = first[cell + lines - (line > 0 ? 1 : 0)] as number;
      const halt = end[cell + lines + (line + 1 < lines ? 1 : 0)] as number;
      if (halt <= start) continue;
      for (let i = first[cell] as number; i < stop; i++) {
        const row = items[i] as number;
        if (role[bodies.kind[row] as number] === ROLE.rigid) continue;
        range(data, row, start, halt, tick, touches, TOLD_ACROSS);
      }
      count(data, strip, line, (halt - start) * (stop - (first[cell] as number)));
    }
  }
}

/** One body against `items` of `from` … `to` − 1, at most `MOST_TESTS` of them. Answers how many touches it told. */
function range(
  data: KernelData,
  row: number,
  from: number,
  to: number,
  tick: number,
  touches: Touches,
  most: number,
): number {
  const length = to - from;
  if (length <= MOST_TESTS) return span(data, row, from, to, touches, most);
  // Another stretch in every step; which one depends on the state alone.
  const start = from + ((tick * MOST_TESTS + row * 7) % length);
  const stop = start + MOST_TESTS;
  if (stop <= to) return span(data, row, start, stop, touches, most);
  const told = span(data, row, start, to, touches, most);
  return told + span(data, row, from, from + stop - to, touches, most - told);
}

function span(
  data: KernelData,
  row: number,
  from: number,
  to: number,
  touches: Touches,
  most: number,
): number {
  const { items, active, reach, half } = data;
  const { x, y, kind } = data.bodies;
  const k = kind[row] as number;
  const mine = reach[k] as number;
  const idle = active[row] === 0;
  let told = 0;
  for (let i = from; i < to; i++) {
    const other = items[i] as number;
    const dx = (x[other] as number) - (x[row] as number);
    const dy = (y[other] as number) - (y[row] as number);
    const ok = kind[other] as number;
    const sum = mine + (reach[ok] as number);
    // Most end here; a rigid body's reach is NaN, and nothing is within that.
    if (!(dx * dx + dy * dy < sum * sum)) continue;
    // Two that did not move in this step have nothing new to say to each other.
    if (idle && active[other] === 0) continue;
    const touching =
      half[k] === 0 && half[ok] === 0 ? resolveCircles(data, row, other) : resolveCapsules(data, row, other);
    if (touching && told < most) {
      touches.add(row, other);
      told++;
    }
  }
  return told;
}

function count(data: KernelData, strip: number, line: number, tests: number): void {
  const tile = strip * data.layout.bands + (data.bandOf[line] as number);
  data.tests[tile] = (data.tests[tile] as number) + tests;
}
