import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { duration, flag, port, readConfig, redactConfig } from "./config.ts";
import { GamefleetError } from "./errors.ts";

const shape = {
  GAMEFLEET_PORT: port,
  GAMEFLEET_NAME: z.string().min(3),
  GAMEFLEET_TOKEN: z.string().min(20),
  GAMEFLEET_LOUD: flag.default(false),
  GAMEFLEET_WAIT: duration.prefault("15s"),
};
const good = {
  GAMEFLEET_PORT: "8080",
  GAMEFLEET_NAME: "alpha",
  GAMEFLEET_TOKEN: "a-token-of-enough-length",
};

function mistake(env: Record<string, string | undefined>): GamefleetError {
  try {
    readConfig(shape, env);
  } catch (error) {
    if (error instanceof GamefleetError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("readConfig", () => {
  it("reads values, fills defaults, and leaves variables of others alone", () => {
    expect(readConfig(shape, { ...good, PATH: "/bin", GAMEFLEET_OTHER: "1" })).toEqual({
      ...good,
      GAMEFLEET_PORT: 8080,
      GAMEFLEET_LOUD: false,
      GAMEFLEET_WAIT: 15_000,
    });
  });

  it("counts an empty variable as unset", () => {
    expect(readConfig(shape, { ...good, GAMEFLEET_LOUD: "", GAMEFLEET_WAIT: "" })).toMatchObject({
      GAMEFLEET_LOUD: false,
      GAMEFLEET_WAIT: 15_000,
    });
    expect(mistake({ ...good, GAMEFLEET_NAME: "" }).fields?.GAMEFLEET_NAME).toMatch(/^must be set/);
  });

  it("reports all mistakes together, each with its variable", () => {
    const error = mistake({ GAMEFLEET_PORT: "70000", GAMEFLEET_NAME: "ab", GAMEFLEET_LOUD: "yes" });
    expect(error.code).toBe("CONFIG_INVALID");
    expect(Object.keys(error.fields ?? {}).sort()).toEqual([
      "GAMEFLEET_LOUD",
      "GAMEFLEET_NAME",
      "GAMEFLEET_PORT",
      "GAMEFLEET_TOKEN",
    ]);
    for (const name of Object.keys(error.fields ?? {})) expect(error.message).toContain(`${name}: `);
    expect(error.fields?.GAMEFLEET_TOKEN).toMatch(/^must be set/);
  });

  it("does not repeat the value of a secret that is wrong", () => {
    const error = mistake({ ...good, GAMEFLEET_TOKEN: "hunter2" });
    expect(`${error.message} ${JSON.stringify(error.fields)}`).not.toContain("hunter2");
  });

  it.each(["-1", "65536", "1.5", "http", "0x"])("refuses the port %s", (text) => {
    expect(mistake({ ...good, GAMEFLEET_PORT: text }).fields).toHaveProperty("GAMEFLEET_PORT");
  });
});

describe("a duration", () => {
  it("yields milliseconds", () => {
    const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.constantFrom("ms", "s", "m", "h"), (amount, unit) => {
        expect(duration.parse(`${amount}${unit}`)).toBe(amount * units[unit]);
      }),
    );
  });

  it.each(["", "5", "s", "1.5s", "-1s", "5 s", "5d", "1m30s", "5S"])("refuses %j", (text) => {
    expect(duration.safeParse(text).error?.issues[0]?.message).toMatch(/must be a duration/);
  });
});

describe("redactConfig", () => {
  it("hides secrets and the passwords of URLs, and nothing else", () => {
    const shown = redactConfig({
      GAMEFLEET_SERVICE_TOKEN: "t0p",
      GAMEFLEET_PASSWORD: "t0p",
      GAMEFLEET_SIGNING_KEY: "t0p",
      GAMEFLEET_CLIENT_SECRET: undefined,
      GAMEFLEET_DATABASE_URL: "postgres://game:t0p@db:5432/fleet?sslmode=require",
      GAMEFLEET_REDIS_URL: "redis://:t0p@cache:6379",
      GAMEFLEET_PUBLIC_URL: "https://example.test/a@b",
      GAMEFLEET_KEYBOARD: "qwerty",
      GAMEFLEET_PORT: 7000,
    });
    expect(JSON.stringify(shown)).not.toContain("t0p");
    expect(shown).toEqual({
      GAMEFLEET_SERVICE_TOKEN: "<redacted>",
      GAMEFLEET_PASSWORD: "<redacted>",
      GAMEFLEET_SIGNING_KEY: "<redacted>",
      GAMEFLEET_CLIENT_SECRET: undefined,
      GAMEFLEET_DATABASE_URL: "postgres://game:<redacted>@db:5432/fleet?sslmode=require",
      GAMEFLEET_REDIS_URL: "redis://:<redacted>@cache:6379",
      GAMEFLEET_PUBLIC_URL: "https://example.test/a@b",
      GAMEFLEET_KEYBOARD: "qwerty",
      GAMEFLEET_PORT: 7000,
    });
  });

  it.each(["p:w", "p/w", "p@w", "p:/@w"])(
    "hides the password %s whole, as a person may write it",
    (password) => {
      const { url } = redactConfig({ url: `redis://user:${password}@cache:6379/0` });
      expect(url).toBe("redis://user:<redacted>@cache:6379/0");
    },
  );
});
