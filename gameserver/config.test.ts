import { describe, expect, it } from "vitest";
import { localZones, readGameserverConfig } from "./config.ts";

describe("configuration", () => {
  it("needs stores unless it is local, and names what is missing", () => {
    expect(() => readGameserverConfig({})).toThrow("GAMEFLEET_REDIS_URL, GAMEFLEET_DATABASE_URL must be set");
    expect(readGameserverConfig({ GAMEFLEET_LOCAL: "true" })).toMatchObject({ serverKey: "default/local" });
  });

  it("reports all mistakes together", () => {
    const bad = { GAMEFLEET_LOCAL: "true", GAMEFLEET_PORT: "x", GAMEFLEET_IO_THREADS: "99" };
    expect(() => readGameserverConfig(bad)).toThrow(/GAMEFLEET_PORT.*GAMEFLEET_IO_THREADS/);
  });

  it("reads local zones", () => {
    expect(localZones("sol:5,vega-2:10")).toEqual([
      { id: "sol", capacity: 5 },
      { id: "vega-2", capacity: 10 },
    ]);
  });
});
