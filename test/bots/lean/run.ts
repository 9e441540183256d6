/** Plays a scenario on a local pod and prints what was seen, as one JSON line. */
import { Herd, localPlayers } from "./herd.ts";
import { SCENARIOS } from "./scenarios.ts";

export interface RunOptions {
  readonly port: number;
  readonly zone: string;
  readonly players: number;
  readonly seconds: number;
  readonly inputHz: number;
  readonly seed: number;
}

/** Resolves after `ms`, or as soon as `until` holds. */
export async function wait(ms: number, until?: () => boolean): Promise<void> {
  const end = performance.now() + ms;
  for (;;) {
    const left = end - performance.now();
    if (left <= 0 || until?.()) return;
    await new Promise((resolve) => setTimeout(resolve, Math.max(1, Math.min(20, left))));
  }
}

export async function runScenario(name: string, options: RunOptions): Promise<void> {
  const scenario = SCENARIOS[name];
  if (!scenario) throw new Error(`--scenario: must be one of ${Object.keys(SCENARIOS).join(", ")}`);
  const { port, zone, players, seconds, inputHz, seed } = options;
  const spectatorEvery = name === "spectators" ? 3 : 0;
  const herd = new Herd({ port, inputHz }, localPlayers({ zone, seed, probeEvery: 20, spectatorEvery }));
  const telling = setInterval(() => {
    const { updates, resumed, lost } = herd.tally;
    console.error(`playing ${herd.playing}/${players}  updates ${updates}  resumed ${resumed}  lost ${lost}`);
  }, 1_000);
  const cpu = process.cpuUsage();
  const started = performance.now();
  await scenario({ herd, players, seed, seconds, wait });
  clearInterval(telling);
  const passed = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const { tally } = herd;
  const playing = herd.playing;
  herd.close();
  const ms = (value: number) => Number(value.toFixed(1));
  console.log(
    JSON.stringify({
      scenario: name,
      seed,
      players,
      playing,
      seconds: ms(passed),
      joined: tally.joined,
      resumed: tally.resumed,
      restarted: tally.restarted,
      refused: tally.refused,
      shed: tally.shed,
      lost: tally.lost,
      reasons: Object.fromEntries(tally.reasons),
      faults: tally.faults + tally.wrongAcks,
      updates: tally.updates,
      events: tally.events,
      inputs: tally.inputs,
      inputToSeenP99Ms: ms(tally.inputToSeen.quantile(0.99)),
      outageP99Ms: ms(tally.outage.quantile(0.99)),
      ownLatenessP99Ms: ms(tally.late.quantile(0.99)),
      botsCpuCores: ms((user + system) / 1e6 / passed),
    }),
  );
}
