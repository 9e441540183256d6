/**
 * Where recordings go: a file per zone while GAMEFLEET_RECORD is set, and, while GAMEFLEET_DUMPS is set, a file for
 * an anomaly with the last seconds before it. Both are bounded, and both are replayed by `gameserver/replay.ts`.
 */
import { appendFileSync, mkdirSync, readdirSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../../platform/errors.ts";
import { Recorder, type RecordingHeader } from "./recorder.ts";

/** Bytes after which a zone's recording ends. */
const MOST_BYTES = 256 * 2 ** 20;
/** Dumps kept; the oldest goes first. */
const MOST_DUMPS = 20;
/** Ticks between two beginnings of what a dump holds: it reaches back so far at least, and twice as far at most. */
const DUMP_TICKS = 300;

type Header = Omit<RecordingHeader, "from">;
export type OnRecordingFault = (error: unknown) => void;

/** Records a zone into `<directory>/<zone>-<Unix ms>.jsonl`. */
export function recordingFile(
  directory: string,
  header: RecordingHeader,
  unixMs: number,
  onFault: OnRecordingFault,
): Recorder {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${header.zone}-${Math.round(unixMs)}.jsonl`);
  let bytes = 0;
  const sink = (lines: string) => {
    bytes += lines.length;
    if (bytes > MOST_BYTES)
      throw fail("RECORDING_INVALID", `${path} holds ${MOST_BYTES} bytes, which is the most`);
    appendFileSync(path, lines);
  };
  return new Recorder(header, sink, onFault);
}

/** Keeps the last seconds of one zone in memory, ready to be written. */
export class Dump {
  readonly #directory: string;
  readonly #header: Header;
  readonly #snapshot: () => Uint8Array;
  readonly #onFault: OnRecordingFault;
  /** Two beginnings: the older is written, so that it never starts just before the anomaly. */
  #lanes: { readonly recorder: Recorder; readonly lines: string[]; readonly since: number }[] = [];

  constructor(directory: string, header: Header, snapshot: () => Uint8Array, onFault: OnRecordingFault) {
    this.#directory = directory;
    this.#header = header;
    this.#snapshot = snapshot;
    this.#onFault = onFault;
  }

  get recorders(): readonly Recorder[] {
    return this.#lanes.map(({ recorder }) => recorder);
  }

  /** After each step. True when `recorders` are others from now on. */
  turn(tick: number): boolean {
    const newest = this.#lanes.at(-1);
    if (newest && tick - newest.since < DUMP_TICKS) return false;
    const lines: string[] = [];
    const from = Buffer.from(this.#snapshot()).toString("base64");
    const recorder = new Recorder({ ...this.#header, from }, (text) => lines.push(text), this.#onFault);
    this.#lanes = [...this.#lanes.slice(-1), { recorder, lines, since: tick }];
    return true;
  }

  /** Writes what led here. Answers the file's path. */
  write(name: string, unixMs: number): string | undefined {
    const oldest = this.#lanes[0];
    if (!oldest) return undefined;
    oldest.recorder.flush();
    mkdirSync(this.#directory, { recursive: true });
    const kept = readdirSync(this.#directory)
      .filter((file) => file.endsWith(".dump.jsonl"))
      .sort((a, b) => a.localeCompare(b));
    for (const file of kept.slice(0, Math.max(0, kept.length - MOST_DUMPS + 1))) {
      unlinkSync(join(this.#directory, file));
    }
    const path = join(this.#directory, `${Math.round(unixMs)}-${this.#header.zone}-${name}.dump.jsonl`);
    writeFileSync(path, oldest.lines.join(""));
    return path;
  }
}
