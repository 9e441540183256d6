/**
 * Where the demo's words go. On a terminal the table stays in place below the lines that have been said; without one
 * it is printed now and then.
 */
import { isatty } from "node:tty";

const PLAIN_EVERY_MS = 10_000;
const CLEAR_TO_END = "\x1b[J";

export class Screen {
  readonly live: boolean;
  readonly #out: NodeJS.WriteStream & { readonly fd: number };
  #table: readonly string[] = [];
  #drawn = 0;
  #lastPlain = 0;

  constructor(out: NodeJS.WriteStream & { readonly fd: number }) {
    this.#out = out;
    this.live = isatty(out.fd);
  }

  /** A line that stays. */
  say = (line: string): void => {
    this.#erase();
    this.#out.write(`${line}\n`);
    this.#draw();
  };

  table(lines: readonly string[]): void {
    if (this.live) {
      this.#erase();
      this.#table = lines;
      this.#draw();
    } else if (performance.now() - this.#lastPlain >= PLAIN_EVERY_MS) {
      this.#lastPlain = performance.now();
      this.#out.write(`\n${lines.join("\n")}\n\n`);
    }
  }

  /** The last table becomes lines like all others. */
  end(): void {
    this.#table = [];
    this.#drawn = 0;
  }

  #draw(): void {
    if (!this.live || this.#table.length === 0) return;
    // A line wider than the terminal would wrap, and erasing would miss its second half.
    const width = this.#out.columns;
    const lines = ["", ...this.#table].map((line) => line.slice(0, width - 1));
    this.#out.write(`${lines.join("\n")}\n`);
    this.#drawn = lines.length;
  }

  #erase(): void {
    if (this.#drawn > 0) this.#out.write(`\x1b[${this.#drawn}A\r${CLEAR_TO_END}`);
    this.#drawn = 0;
  }
}

/** Ends `stop` at q or Ctrl-C. Returns how to give the keyboard back. */
export function stopAtKey(stop: AbortController, keyboard: NodeJS.ReadStream): () => void {
  if (!keyboard.isTTY) return () => undefined;
  const onKey = (key: Buffer) => {
    if (key[0] === 0x03 || key.toString().toLowerCase() === "q") stop.abort(new Error("stopped with q"));
  };
  keyboard.setRawMode(true).on("data", onKey).resume();
  return () => {
    keyboard.off("data", onKey).setRawMode(false).pause();
  };
}
