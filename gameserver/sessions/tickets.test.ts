import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../platform/ids.ts";
import { Tickets } from "./tickets.ts";

const NOW = Date.UTC(2030, 0, 1);
let pair: Awaited<ReturnType<typeof generateKeyPair>>;
let published: Record<string, string>;

beforeAll(async () => {
  pair = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { kty, crv, x } = await exportJWK(pair.publicKey);
  published = { k1: JSON.stringify({ kty, crv, x, kid: "k1", expiresAt: NOW + 600_000 }), broken: "{" };
});

/** A checker over a fake store that counts look-ups and can be away. */
function checker() {
  const store = { lookUps: 0, away: false };
  const tickets = new Tickets({
    server: "default/s",
    fleet: "default/f",
    now: () => NOW,
    redis: {
      async hgetall() {
        store.lookUps++;
        if (store.away) throw new Error("away");
        return published;
      },
    },
  });
  return { tickets, store };
}

let serial = 0;
function ticket(over: Record<string, unknown> = {}, header: Record<string, string> = {}): Promise<string> {
  const iat = NOW / 1_000;
  const claims = { iss: "gamefleet", aud: "default/s", jti: `j${++serial}`, sub: "ada", iat, exp: iat + 30 };
  return new SignJWT({ ...claims, sid: "s1", zone: "sol", fleet: "default/f", rh: sha256("r"), ...over })
    .setProtectedHeader({ alg: "EdDSA", kid: "k1", ...header })
    .sign(pair.privateKey);
}

describe("a ticket", () => {
  it("says who may sit where, once", async () => {
    const { tickets, store } = checker();
    const good = await ticket({ party: "p" });
    const grant = {
      session: "s1",
      player: "ada",
      zone: "sol",
      role: "player",
      back: false,
      resumeHash: sha256("r"),
      party: "p",
    };
    expect(await tickets.verify(good)).toEqual(grant);
    expect(await tickets.verify(await ticket({ back: true }))).toMatchObject({ back: true });
    await expect(tickets.verify(good)).rejects.toMatchObject({ code: "TICKET_USED" });
    expect(store.lookUps).toBe(1);
  });

  it.each([
    ["for another server", { aud: "default/other" }, "TICKET_ELSEWHERE"],
    ["for another fleet", { fleet: "default/other" }, "TICKET_ELSEWHERE"],
    ["out of time", { exp: NOW / 1_000 - 6 }, "TICKET_EXPIRED"],
    ["of another issuer", { iss: "someone" }, "TICKET_INVALID"],
    ["without a resume hash", { rh: undefined }, "TICKET_INVALID"],
  ])("%s is refused", async (_what, over, code) => {
    const { tickets } = checker();
    await expect(ticket(over).then((text) => tickets.verify(text))).rejects.toMatchObject({ code });
  });

  it("that is forged, signed otherwise or no ticket at all is refused", async () => {
    const { tickets } = checker();
    const [head, body] = (await ticket()).split(".");
    const none = `${Buffer.from('{"alg":"none","kid":"k1"}').toString("base64url")}.${body}.`;
    for (const bad of [`${head}.${body}.AAAA`, none, "x", "", await ticket({}, { kid: "k9" })]) {
      await expect(tickets.verify(bad)).rejects.toMatchObject({ code: "TICKET_INVALID" });
    }
  });
});

describe("keys", () => {
  it("once known need no store; unknown ones are looked up, but not by every forged ticket", async () => {
    const { tickets, store } = checker();
    await tickets.refresh();
    store.away = true;
    await tickets.verify(await ticket());
    const forged = await ticket({}, { kid: "k9" });
    for (let i = 0; i < 20; i++) await tickets.verify(forged).catch(() => {});
    expect(store.lookUps).toBeLessThan(10);
  });

  it("that cannot be looked up make the answer `try again`", async () => {
    const { tickets, store } = checker();
    store.away = true;
    await expect(tickets.verify(await ticket())).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });
});
