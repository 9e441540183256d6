/** A thread that does what one worker does, alone and without end: to see what a second core of this machine gives. */
import { parentPort, workerData } from "node:worker_threads";
import { loadRapier } from "../../../gameserver/physics/rapier.ts";
import type { Size } from "./game.ts";
import { benchZone } from "./zone.ts";

await loadRapier();
const world = benchZone(workerData as Size);
for (let n = 0; n < 60; n++) world.step();
parentPort?.postMessage("ready");
for (;;) world.step();
