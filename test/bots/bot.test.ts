/** What a bot counts, in virtual time, against a server that says exactly what the test wants. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeServer } from "../../client/testing/fake-server.ts";
import { CLOSE } from "../../protocol/close.ts";
import { Bot } from "./bot.ts";
import { OpenLoop } from "./open-loop.ts";
import { Recovery } from "./recovery.ts";
import { Samples, Tally } from "./tally.ts";

let server: FakeServer;
let tally: Tally;
let bots: Bot[];
let clock: OpenLoop;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"],
  });
  server = new FakeServer();
  tally = new Tally();
  clock = new OpenLoop(100);
  bots = [];
});
afterEach(() => {
  for (const bot of bots) bot.close();
  vi.useRealTimers();
});

function makeBot(random = () => 0.05): Bot {
  const place = { address: "127.0.0.1", port: 7000, ticket: "t", resumeToken: "s.x" };
  // 0.05 is below a tenth: such a bot only fires.
  const bot = new Bot({ place, player: { socket: server.socket }, tally, clock, random });
  bots.push(bot);
  return bot;
}

describe("a bot", () => {
  it("plays, and measures each input from when it was due to when its effect is seen", async () => {
    const bot = makeBot();
    server.link.open();
    server.link.welcome();
    expect([bot.playing, bot.server, tally.played, tally.playing]).toEqual([true, "one", 1, 1]);
    await vi.advanceTimersByTimeAsync(250);
    expect(server.link.inputs).toEqual(["1:fire", "2:fire"]);
    server.link.update(1, 1);
    expect(tally.acknowledged).toBe(1);
    expect(tally.inputToSeen.quantile(0.5)).toBe(150);
    server.link.update(2, 2);
    expect(tally.inputToSeen.quantile(0)).toBe(50);
  });

  it("sends nothing while it is not in play", async () => {
    makeBot();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(tally.inputs).toBe(0);
  });

  it("tells a session that goes on from one that begins anew, and how long it was away", async () => {
    makeBot();
    for (const resumed of [false, true, false]) {
      server.link.open();
      server.link.welcome({ resumed });
      server.link.close(1006);
      expect(tally.playing).toBe(0);
      await vi.advanceTimersByTimeAsync(300);
    }
    expect(tally).toMatchObject({ played: 1, resumed: 1, restarted: 1, lostSessions: 0, badFrames: 0 });
    expect(tally.outage.count).toBe(2);
  });

  it("counts frames that break the order", () => {
    makeBot();
    server.link.open();
    server.link.welcome();
    server.link.update(5);
    expect(tally.badFrames).toBe(1);
  });

  it("counts a session that the server ended, with the reason; not one that it closed itself", () => {
    makeBot();
    server.link.open();
    server.link.welcome();
    server.link.close(CLOSE.idle, "nothing heard");
    expect(tally.lostSessions).toBe(1);
    expect([...tally.reasons]).toEqual([["nothing heard (4005)", 1]]);
    const other = makeBot();
    server.link.open();
    server.link.welcome();
    other.close();
    expect(tally).toMatchObject({ lostSessions: 1, playing: 0 });
  });
});

describe("a recovery", () => {
  it("is done when all players of the server play in a later life of their zone", async () => {
    const [one, two, other] = [makeBot(), makeBot(), makeBot()];
    const [first, second, third] = server.links;
    for (const link of [first, second]) {
      link?.open();
      link?.welcome({ server: "default/dying", epoch: 3 });
    }
    third?.open();
    third?.welcome({ server: "default/other", epoch: 1 });
    const recovery = new Recovery(bots, "dying");
    expect([recovery.players, recovery.back, recovery.seconds]).toEqual([2, 0, undefined]);

    first?.close(1006);
    second?.close(1006);
    await vi.advanceTimersByTimeAsync(0);
    // The dying server lets one in once more: that is not yet a recovery.
    const [again, last] = server.links.slice(-2);
    again?.open();
    again?.welcome({ server: "default/dying", epoch: 3, resumed: true });
    expect([one?.playing, recovery.back]).toEqual([true, 0]);
    again?.close(1006);
    await vi.advanceTimersByTimeAsync(1_500);
    for (const link of [server.link, last]) {
      link?.open();
      link?.welcome({ server: "default/new", epoch: 4 });
    }
    expect([two?.playing, other?.playing]).toEqual([true, true]);
    expect(recovery.back).toBe(2);
    expect(recovery.seconds).toBe(1.5);
    // Time does not count on.
    await vi.advanceTimersByTimeAsync(5_000);
    expect(recovery.seconds).toBe(1.5);
  });
});

describe("the clock of a bot", () => {
  it("tells when each beat was due, also after a stall, and misses none", () => {
    const due: number[] = [];
    const began = performance.now();
    const stop = clock.add((at) => due.push(at - began));
    vi.advanceTimersByTime(100);
    // The process stalls: the beat of 200 runs at 450.
    const now = vi.spyOn(performance, "now").mockReturnValue(began + 450);
    vi.advanceTimersByTime(100);
    expect(due).toEqual([100, 200, 300, 400]);
    stop();
    now.mockReturnValue(began + 900);
    vi.advanceTimersByTime(1_000);
    expect(due).toHaveLength(4);
    now.mockRestore();
  });

  it("beats without its timer when it is poked, in turn, whoever comes and goes", () => {
    const beats: string[] = [];
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const stops = ["a", "b", "c"].map((name, index) => {
      now.mockReturnValue(index);
      return clock.add((due) => beats.push(`${name}${due}`));
    });
    now.mockReturnValue(101);
    clock.poke();
    expect(beats).toEqual(["a100", "b101"]);
    stops[1]?.();
    now.mockReturnValue(202);
    clock.poke();
    expect(beats).toEqual(["a100", "b101", "c102", "a200", "c202"]);
    now.mockRestore();
  });

  it("keeps time for thousands without end", () => {
    let count = 0;
    for (let n = 0; n < 3_000; n++) clock.add(() => (count += 1));
    vi.advanceTimersByTime(1_000);
    expect(count).toBe(30_000);
  });
});

describe("samples", () => {
  it("give percentiles of all, or of the newest", () => {
    const samples = new Samples();
    expect(samples.quantile(0.5)).toBeNaN();
    for (let value = 1; value <= 100; value++) samples.add(value);
    expect([samples.quantile(0), samples.quantile(0.5), samples.quantile(0.99)]).toEqual([1, 51, 100]);
    expect(samples.quantile(0, 10)).toBe(91);
  });

  it("keep the newest across the end of the ring", () => {
    const samples = new Samples();
    for (let value = 0; value < 200_005; value++) samples.add(value);
    expect(samples.quantile(0, 10)).toBe(199_995);
    expect(samples.quantile(1, 10)).toBe(200_004);
    expect(samples.quantile(0)).toBe(5);
  });
});
