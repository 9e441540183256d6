/** A player whose connection or server is gone. */
import { describe, expect, it, vi } from "vitest";
import { CLOSE } from "../protocol/close.ts";
import { elsewhere, inVirtualTime, pass, player, playFor, playing, server } from "./testing/play.ts";

inVirtualTime();

describe("after a loss", () => {
  it("asks the same server first, and tells what it has seen", async () => {
    const resume = vi.fn(async () => elsewhere);
    playing(resume);
    server.link.update(1);
    server.link.event(2);
    server.link.close(1006);
    expect(player.state).toBe("resuming");
    await pass(0);
    expect(server.link.open()).toMatchObject({ mode: "resume", token: "s.secret", lastSeq: 2 });
    server.link.welcome({ resumed: true, seq: 2 });
    expect(player.state).toBe("playing");
    expect(resume).not.toHaveBeenCalled();
  });

  it("then asks the allocator, and goes where it says with what it has seen", async () => {
    playing(async () => elsewhere);
    server.link.update(1);
    server.link.close(1006);
    await pass(0);
    server.link.close(1006);
    await pass(100);
    expect(server.link.url).toBe("ws://10.0.0.2:7001/");
    // The session may live there already: without lastSeq its events would be told twice.
    expect(server.link.open()).toMatchObject({ mode: "ticket", token: "ticket-2", lastSeq: 1 });
  });

  it.each([CLOSE.shutdown, CLOSE.zoneMoved, CLOSE.draining, CLOSE.resumeRefused])(
    "asks the allocator at once after %i",
    async (code) => {
      playing(async () => elsewhere);
      server.link.close(code);
      await pass(0);
      expect(server.link.url).toBe("ws://10.0.0.2:7001/");
    },
  );

  it.each([CLOSE.left, CLOSE.replaced, CLOSE.idle, CLOSE.zoneEnded, CLOSE.frameMalformed])(
    "ends after %i, which says that the session has ended",
    async (code) => {
      playing(async () => elsewhere);
      server.link.close(code, "over");
      await pass(60_000);
      expect(player.state).toBe("ended");
      expect(server.links).toHaveLength(1);
    },
  );

  it("ends when the allocator says that the session is over", async () => {
    playing(async () => {
      throw Object.assign(new Error("unknown session"), { final: true });
    });
    const details: string[] = [];
    player.on("state", (_state, detail) => details.push(detail));
    server.link.close(CLOSE.shutdown);
    await pass(0);
    expect(player.state).toBe("ended");
    expect(details.at(-1)).toBe("unknown session");
  });

  it("waits longer and longer, by chance up to half less, and then no longer than two seconds", async () => {
    const asked: number[] = [];
    const chance = vi.spyOn(Math, "random").mockReturnValue(1);
    const began = performance.now();
    playing(async () => {
      asked.push(performance.now() - began);
      throw Object.assign(new Error("not yet"), { answered: true });
    });
    server.link.close(CLOSE.shutdown);
    await pass(6_000);
    expect(asked).toEqual([0, 100, 300, 700, 1_500, 3_100, 5_100]);
    chance.mockReturnValue(0);
    asked.length = 0;
    await pass(4_000);
    expect(asked.map((at, index) => at - (asked[index - 1] ?? at)).slice(1)).toEqual([1_000, 1_000]);
  });

  it("gives up when it could not resume within the time allowed", async () => {
    playing(
      async () => {
        throw Object.assign(new Error("not yet"), { answered: true });
      },
      { resumeWithinMs: 10_000 },
    );
    server.link.close(CLOSE.shutdown);
    await pass(9_000);
    expect(player.state).toBe("resuming");
    await pass(4_000);
    expect(player.state).toBe("ended");
  });

  it("tries the last server in between while the allocator is away", async () => {
    playing(async () => {
      throw new TypeError("fetch failed");
    });
    server.link.close(CLOSE.shutdown);
    await pass(0);
    await pass(100);
    expect(server.links).toHaveLength(2);
    expect(server.link.open()).toMatchObject({ mode: "resume" });
  });

  it("does not wait for ever for an allocator that takes the question and is silent", async () => {
    const signals: AbortSignal[] = [];
    playing((_token, signal) => {
      signals.push(signal);
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    });
    server.link.close(CLOSE.shutdown);
    await pass(0);
    expect(signals).toHaveLength(1);
    await pass(5_200);
    expect(signals[0]?.aborted).toBe(true);
    expect(server.links).toHaveLength(2);
  });

  it("pauses before it asks a server again that lets it in and throws it out", async () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    playing();
    for (let round = 0; round < 4; round++) {
      server.link.close(1006);
      await pass(2_000);
      server.link.open();
      server.link.welcome({ resumed: true });
    }
    const count = server.links.length;
    server.link.close(1006);
    await pass(500);
    expect(server.links).toHaveLength(count);
  });

  it("answers a loss after steady play at once", async () => {
    playing();
    server.link.close(1006);
    await pass(0);
    server.link.open();
    server.link.welcome({ resumed: true });
    await playFor(6_000);
    const count = server.links.length;
    server.link.close(1006);
    await pass(0);
    expect(server.links).toHaveLength(count + 1);
  });
});
