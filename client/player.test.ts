/** Joining, inputs, distrust and the end; after a loss: player-loss.test.ts. */
import { describe, expect, it, vi } from "vitest";
import { CLOSE } from "../protocol/close.ts";
import type { Place } from "./index.ts";
import {
  elsewhere,
  inVirtualTime,
  pass,
  place,
  player,
  playFor,
  playing,
  server,
  start,
  states,
} from "./testing/play.ts";

inVirtualTime();

describe("joining", () => {
  it("says HELLO with the ticket and is in play after the WELCOME", () => {
    start();
    expect(server.link.url).toBe("ws://10.0.0.1:7000/");
    expect(server.link.open()).toMatchObject({ mode: "ticket", token: "ticket-1", lastSeq: 0 });
    expect(player.state).toBe("connecting");
    server.link.welcome({ zone: "vega" });
    expect(player.state).toBe("playing");
    expect(player.view?.welcome.zone).toBe("vega");
    expect(states).toEqual(["playing"]);
  });

  it("puts brackets around an IPv6 address, and takes wss", () => {
    start({ scheme: "wss" }, { ...place, address: "fd00::1" });
    expect(server.link.url).toBe("wss://[fd00::1]:7000/");
  });

  it("tells updates and events", () => {
    playing();
    const seen: string[] = [];
    player.on("update", (view) => seen.push(`update ${view.seq}`));
    player.on("event", ({ kind }) => seen.push(kind));
    server.link.update(1);
    server.link.event(2);
    expect(seen).toEqual(["update 1", "bang"]);
  });

  it("asks for another place when the ticket came too late for its server", async () => {
    start({ resume: async () => elsewhere });
    server.link.open();
    server.link.close(CLOSE.ticketInvalid);
    await pass(0);
    expect(server.link.url).toBe("ws://10.0.0.2:7001/");
    expect(server.link.open()).toMatchObject({ mode: "ticket", token: "ticket-2" });
  });

  it("tries again when no WELCOME comes", async () => {
    start();
    server.link.open();
    await pass(5_001);
    expect(server.links).toHaveLength(2);
    expect(server.links[0]?.closedWith).toBe(1000);
  });

  it("tries again when a connection cannot even be begun", async () => {
    let refusals = 0;
    start({
      socket: (url, handlers) => {
        if (refusals++ === 0) throw new Error("insecure address");
        return server.socket(url, handlers);
      },
    });
    await pass(0);
    expect(server.links).toHaveLength(1);
  });
});

describe("inputs", () => {
  it("are numbered from one and sent at once", () => {
    playing();
    expect([player.send("steer", { thrust: 1 }), player.send("fire")]).toEqual([1, 2]);
    expect(server.link.inputs).toEqual(["1:steer", "2:fire"]);
  });

  it("are sent again once, with their numbers, when the session goes on; new ones follow", async () => {
    playing();
    for (let n = 0; n < 4; n++) player.send("fire");
    server.link.update(1, 2);
    server.link.close(1006);
    expect(player.send("steer")).toBe(5);
    await pass(0);
    server.link.open();
    // The server had taken the third without having shown it.
    server.link.welcome({ resumed: true, inputSeq: 3, seq: 1 });
    expect(server.link.inputs).toEqual(["4:fire", "5:steer"]);
    expect(player.send("fire")).toBe(6);
    expect(server.link.inputs).toEqual(["4:fire", "5:steer", "6:fire"]);
  });

  it("are dropped when the session begins anew, and numbered from one", async () => {
    playing();
    player.send("fire");
    server.link.close(1006);
    player.send("fire");
    await pass(0);
    server.link.open();
    server.link.welcome({ resumed: false, inputSeq: 0 });
    expect(server.link.inputs).toEqual([]);
    expect(player.send("steer")).toBe(1);
    expect(server.link.inputs).toEqual(["1:steer"]);
  });

  it("that the game does not have are refused and not kept", async () => {
    playing();
    expect(() => player.send("warp")).toThrow('no input "warp"');
    server.link.close(1006);
    await pass(0);
    server.link.open();
    server.link.welcome({ resumed: true });
    expect(player.send("fire")).toBe(1);
    expect(server.link.inputs).toEqual(["1:fire"]);
  });
});

describe("a connection that cannot be trusted any more", () => {
  it("is replaced after a hole in the sequence", async () => {
    playing();
    server.link.update(1);
    server.link.update(3);
    expect(player.state).toBe("resuming");
    expect(server.link.closedWith).toBe(1000);
    await pass(0);
    expect(server.link.open()).toMatchObject({ mode: "resume", lastSeq: 1 });
  });

  it("is replaced after a frame that cannot be read, and what it says later is not heard", async () => {
    playing();
    const [first] = server.links;
    first?.message(Uint8Array.of(0x82, 1));
    expect(player.state).toBe("resuming");
    const updates = vi.fn();
    player.on("update", updates);
    first?.update(1);
    first?.close(CLOSE.left);
    expect(updates).not.toHaveBeenCalled();
    expect(player.state).toBe("resuming");
  });

  it("is replaced when nothing is heard, not even an answer to pings", async () => {
    playing();
    server.link.pong();
    await pass(13_000);
    expect(server.links.length).toBeGreaterThan(1);
    expect(server.links[0]?.closedWith).toBe(1000);
  });

  it("is kept while pings are answered, and tells the latency", async () => {
    playing(undefined, { pingEveryMs: 1_000 });
    await pass(40);
    server.link.pong();
    expect(player.latencyMs).toBe(40);
    await playFor(60_000);
    expect(server.links).toHaveLength(1);
    expect(server.link.pings).toBe(61);
  });

  it("is kept when no timer could run for a minute, as in a hidden tab", async () => {
    playing();
    server.link.pong();
    // The clock jumps; then the first ping of a minute goes out.
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
    await pass(2_000);
    expect(server.links).toHaveLength(1);
  });
});

describe("close", () => {
  it("tells the server and ends", () => {
    playing();
    player.close();
    expect(server.link.left).toBe(true);
    expect(server.link.closedWith).toBe(1000);
    expect(player.state).toBe("ended");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("while resuming ends all that is under way", async () => {
    let asked: AbortSignal | undefined;
    playing((_token, signal) => {
      asked = signal;
      return new Promise(() => undefined); // heeds nothing
    });
    server.link.close(CLOSE.shutdown);
    await pass(0);
    player.close();
    expect(asked?.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    await pass(60_000);
    expect(server.links).toHaveLength(1);
  });

  it("does not go to a place that is told too late", async () => {
    let tell: (place: Place) => void = () => undefined;
    playing(
      () =>
        new Promise((resolve) => {
          tell = resolve;
        }),
    );
    server.link.close(CLOSE.shutdown);
    await pass(0);
    player.close();
    tell(elsewhere);
    await pass(1_000);
    expect(server.links).toHaveLength(1);
  });

  it("is different from a connection that drops: that comes back", async () => {
    playing();
    player.dropConnection();
    expect(server.link.left).toBe(false);
    await pass(0);
    expect(server.links).toHaveLength(2);
  });
});
