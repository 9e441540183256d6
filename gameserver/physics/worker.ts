/** The second physics worker: does what crew.ts commands, until it is stopped. It never looks at its event loop. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { messageOf } from "../../platform/errors.ts";
import { awaitChange, crewControl, type Letter, setBusyMs, takeJob, WHAT, WORD } from "./crew-control.ts";
import type { KernelData } from "./kernel-data.ts";
import { runPhase } from "./phases.ts";
import { loadRapier } from "./rapier.ts";
import { Regions } from "./team.ts";

interface Zone {
  readonly data: KernelData;
  readonly regions: Regions;
}

if (!parentPort) throw new Error("physics/worker.ts runs as a worker thread only");
const {
  control: buffer,
  port,
  rigid,
} = workerData as {
  readonly control: SharedArrayBuffer;
  readonly port: MessagePort;
  readonly rigid: boolean;
};
const control = crewControl(buffer);
const { words } = control;
const zones = new Map<number, Zone>();
const NEVER_MS = 60_000;

function read(letter: Letter): void {
  switch (letter.type) {
    case "add": {
      const { data, tables, regionFrom } = letter;
      const regions = new Regions(tables, regionFrom, tables?.state.regions ?? regionFrom);
      zones.set(letter.zone, { data, regions });
      return;
    }
    case "remove":
      zones.get(letter.zone)?.regions.close();
      zones.delete(letter.zone);
      return;
    case "snapshot":
      port.postMessage(zones.get(letter.zone)?.regions.snapshot() ?? []);
      return;
    case "restore":
      zones.get(letter.zone)?.regions.restore(letter.worlds);
  }
}

function work(phase: number, { data, regions }: Zone): void {
  const started = performance.now();
  const { job, rowFrom, stripFrom } = takeJob(control);
  const share = { worker: 1, rowFrom, rowTo: data.rows, stripFrom, stripTo: data.layout.strips };
  runPhase(data, phase, share, job, regions);
  setBusyMs(control, performance.now() - started);
}

function obey(what: number): void {
  if (what === WHAT.mail) {
    const received = receiveMessageOnPort(port) as { readonly message: Letter } | undefined;
    if (received) read(received.message);
    return;
  }
  const zone = zones.get(words[WORD.zone] as number);
  if (zone) work(what, zone);
}

function run(): void {
  for (let done = 0; ; done = (done + 1) | 0) {
    while (!awaitChange(words, WORD.command, done, NEVER_MS));
    try {
      obey(words[WORD.what] as number);
    } catch (error) {
      // The leader is told, and ends the simulation: a step half done cannot be undone.
      port.postMessage(messageOf(error));
      Atomics.store(words, WORD.failed, 1);
    }
    Atomics.store(words, WORD.done, (done + 1) | 0);
    Atomics.notify(words, WORD.done);
  }
}

if (rigid) await loadRapier();
parentPort.postMessage("ready");
run();
