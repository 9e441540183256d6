/**
 * Sequences of everything that can be asked for, against a model that is a page of arithmetic (model.ts): the real
 * processor, journal and ledger give the same answers and hold the same balances, while Redis goes and comes back, the
 * processor is closed in the midst of a request and opened anew, and PostgreSQL is away for one.
 *
 * GAMEFLEET_SEQUENCES says how many. A failure prints its seed, path and replayPath: GAMEFLEET_SEED, GAMEFLEET_PATH and
 * GAMEFLEET_REPLAY repeat it.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Answer } from "../../../gameserver/transactions/answer.ts";
import { type Entry, parametersHash } from "../../../gameserver/transactions/entry.ts";
import { setStock } from "../../../gameserver/transactions/ledger/catalogue.ts";
import { findOriginal } from "../../../gameserver/transactions/ledger/read.ts";
import { entryOf, refundOf, TransactionRequest } from "../../../gameserver/transactions/request.ts";
import { grant } from "../../../gameserver/transactions/testing/entries.ts";
import { uuidv7 } from "../../../platform/ids.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { Model } from "./model.ts";
import { type ModelWorld, openModelWorld } from "./model-world.ts";

const SEQUENCES = Number(process.env["GAMEFLEET_SEQUENCES"] ?? 30);
const SEED = Number(process.env["GAMEFLEET_SEED"] ?? Date.now() % 1_000_000);
const PATH = process.env["GAMEFLEET_PATH"];
const REPLAY = process.env["GAMEFLEET_REPLAY"];
const LENGTH = 30;
const PLAYERS = 3;
const CREDITS = 100;
const STOCK = 2;
const HAT = "captains-hat";
const ITEMS = ["hull-plate", HAT] as const;

let world: ModelWorld;
let sequences = 0;
/** How often each answer was given. */
const answers = new Map<string, number>();

beforeAll(async () => {
  world = await openModelWorld(HAT);
});
afterAll(() => world.close());

/** What one sequence works with besides the model. */
interface Real {
  /** Part of all names, so that players and derived ids are new in each sequence. */
  readonly season: string;
}
type Step = fc.AsyncCommand<Model, Real>;

/** A step whose name is what a failure shows. */
function step<P extends unknown[]>(name: string, run: (model: Model, real: Real, ...p: P) => Promise<void>) {
  return (...parameters: P): Step => ({
    check: () => true,
    run: (model, real) => run(model, real, ...parameters),
    toString: () => `${name}(${parameters.map((one) => JSON.stringify(one)).join(", ")})`,
  });
}

const nameOf = (real: Real, n: number) => `${real.season}-p${n}`;
const lot = (asset: string, amount: number) => ({ asset, amount });

/** The entry of a request, as the routes make it. `agoMs`: when it was accepted. */
function entryFor(request: unknown, agoMs = 0): Entry {
  const body = TransactionRequest.parse(request);
  if (body.kind === "refund") throw new Error("a refund is made of its original");
  const { assets, limited } = world.pod;
  return entryOf(body, { nowMs: Date.now() - agoMs, trace: "model", assets, limited });
}

/** The final answer: asks again with the same id, as callers do, while it is "pending" or "not now". */
async function finalAnswer(entry: Entry): Promise<Answer> {
  let answer: Answer | undefined;
  await eventually(async () => {
    answer = await world.pod.processor.submit(entry);
    return isFinal(answer);
  }, `a final answer to ${entry.kind} ${entry.id}`);
  return answer as Answer;
}
function agree<T>(found: T, expected: T): void {
  expect(found).toEqual(expected);
}
const isFinal = ({ status }: Answer) => status !== "pending" && status !== "refused";

/** Asks for it; answer and balances are the model's. `early` is what was told before, if anything. */
async function carriedOut(model: Model, entry: Entry, early?: Answer): Promise<void> {
  const expected = model.decide(entry);
  const told = await finalAnswer(entry);
  expect(told).toEqual(expected);
  if (early && isFinal(early)) expect(early).toEqual(expected);
  const key = "reason" in told ? told.reason : told.status;
  answers.set(key, (answers.get(key) ?? 0) + 1);
  for (const { from, to, asset } of entry.transfers) {
    for (const account of [from, to].filter((one) => !one.startsWith("house:")))
      expect(Number(await world.books.balance(account, asset))).toBe(model.holds(account, asset));
  }
}

const earlier = (model: Model, n: number): Entry | undefined => model.entries[n % model.entries.length];

const purchase = (real: Real, player: number, item: string, price: number, late: boolean): Entry =>
  entryFor(
    {
      kind: "purchase",
      id: uuidv7(),
      player: nameOf(real, player),
      price: [lot("credits", price)],
      goods: [lot(item, 1)],
    },
    late ? 120_000 : 0,
  );

const buys = step("buys", (model, real, player: number, item: string, price: number, late: boolean) =>
  carriedOut(model, purchase(real, player, item, price, late)),
);
const isRewarded = step("is rewarded", (model, real, player: number, reward: string, amount: number) => {
  const goods = [lot("credits", amount)];
  const { season } = real;
  return carriedOut(model, entryFor({ kind: "reward", player: nameOf(real, player), reward, season, goods }));
});
const trades = step("trades", (model, real, player: number, item: string, credits: number) =>
  carriedOut(
    model,
    entryFor({
      kind: "trade",
      id: uuidv7(),
      player: nameOf(real, player),
      with: nameOf(real, (player + 1) % PLAYERS),
      gives: [lot("credits", credits)],
      takes: [lot(item, 1)],
    }),
  ),
);
const isCorrected = step("is corrected", (model, real, player: number, item: string, gets: boolean) => {
  const [adds, removes] = gets ? [[lot(item, 1)], []] : [[], [lot(item, 1)]];
  const body = {
    kind: "correction",
    id: uuidv7(),
    player: nameOf(real, player),
    adds,
    removes,
    note: "model",
  };
  return carriedOut(model, entryFor(body));
});
const isRefunded = step("is refunded", async (model, _real, n: number) => {
  const entry = earlier(model, n);
  if (!entry) return;
  const original = await findOriginal(world.books.pool, entry.id);
  agree(original !== undefined, model.answerOf(entry.id)?.status === "settled");
  if (original) await carriedOut(model, refundOf(original, { nowMs: Date.now(), trace: "model" }));
});
const asksAgain = step("asks again", async (model, _real, n: number) => {
  const entry = earlier(model, n);
  const fresh = { acceptedAt: Date.now(), validUntil: Date.now() + 60_000, trace: "again" };
  if (entry) await carriedOut(model, { ...entry, ...fresh });
});
const asksOtherwise = step("asks for something else with the same id", async (model, _real, n: number) => {
  const entry = earlier(model, n);
  if (!entry) return;
  const transfers = entry.transfers.map((transfer) => ({ ...transfer, amount: transfer.amount + 1 }));
  const other = { ...entry, transfers };
  await carriedOut(model, { ...other, hash: parametersHash(other) });
});
const buysTwice = step("buys at two pods at once", async (model, real, player: number, price: number) => {
  const entry = purchase(real, player, "hull-plate", price, false);
  // The other pod: it settles what it is given, whoever else does.
  const [other] = await Promise.all([world.books.ledger.settle([entry]), world.pod.processor.submit(entry)]);
  await carriedOut(model, entry, other[0]);
});
const restarts = step(
  "restarts",
  async (model, real, closeWithinMs: number, player: number, price: number) => {
    const entry = purchase(real, player, "hull-plate", price, false);
    const asking = world.pod.processor.submit(entry);
    await world.restart(closeWithinMs);
    await carriedOut(model, entry, await asking);
  },
);
const redisGoes = step("redis goes", async () => world.proxies.redis.cut());
const redisComesBack = step("redis comes back", async () => world.proxies.redis.heal());
const postgresIsAway = step("postgres is away", async (model, real, player: number, price: number) => {
  const entry = purchase(real, player, "hull-plate", price, false);
  world.proxies.postgres.cut();
  const early = await world.pod.processor.submit(entry);
  agree(isFinal(early), false);
  world.proxies.postgres.heal();
  await carriedOut(model, entry, early);
});

/** What every run plays whatever its seed, so that none says nothing of a refusal or an outage. */
const ALWAYS: readonly Step[] = [
  buys(0, HAT, 30, false),
  buys(0, HAT, 30, false),
  buys(1, HAT, 30, false),
  buys(2, HAT, 30, false),
  buys(2, "hull-plate", CREDITS, true),
  asksAgain(4),
  asksOtherwise(0),
  trades(2, "hull-plate", 10),
  trades(0, HAT, 40),
  redisGoes(),
  isRefunded(0),
  isRefunded(0),
  postgresIsAway(1, 10),
  restarts(0, 1, 10),
  redisComesBack(),
  postgresIsAway(2, 10),
  restarts(0, 1, 10),
  isRewarded(0, "daily", 50),
  isCorrected(1, HAT, true),
  buysTwice(2, 20),
  buys(0, "hull-plate", CREDITS * 9, false),
];

const player = fc.nat(PLAYERS - 1);
const item = fc.constantFrom(...ITEMS);
const price = fc.integer({ min: 1, max: CREDITS / 2 });
const late = fc.nat(9).map((n) => n === 0);
const some = fc.nat(LENGTH);
const STEPS: fc.WeightedArbitrary<Step>[] = [
  { weight: 30, arbitrary: fc.tuple(player, item, price, late).map((p) => buys(...p)) },
  {
    weight: 10,
    arbitrary: fc.tuple(player, fc.constantFrom("daily", "boss"), price).map((p) => isRewarded(...p)),
  },
  { weight: 10, arbitrary: fc.tuple(player, item, price).map((p) => trades(...p)) },
  { weight: 20, arbitrary: fc.tuple(player, item, fc.boolean()).map((p) => isCorrected(...p)) },
  { weight: 10, arbitrary: some.map((n) => isRefunded(n)) },
  { weight: 10, arbitrary: some.map((n) => asksAgain(n)) },
  { weight: 5, arbitrary: some.map((n) => asksOtherwise(n)) },
  { weight: 5, arbitrary: fc.tuple(player, price).map((p) => buysTwice(...p)) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(0, 1_000), player, price).map((p) => restarts(...p)),
  },
  { weight: 3, arbitrary: fc.constant(redisGoes()) },
  { weight: 3, arbitrary: fc.constant(redisComesBack()) },
  { weight: 1, arbitrary: fc.tuple(player, price).map((p) => postgresIsAway(...p)) },
];

/** A sequence has players of its own, and the shop has its stock again. */
async function setUp(): Promise<{ model: Model; real: Real }> {
  const real = { season: `s${++sequences}` };
  const players = Array.from({ length: PLAYERS }, (_, n) => nameOf(real, n));
  await world.books.ledger.settle(players.map((name) => grant(CREDITS, { player: name })));
  await setStock(world.books.pool, world.books.ledger, HAT, STOCK);
  const model = new Model({ [HAT]: 1 }, [
    ...players.map((name) => [`player:${name}`, "credits", CREDITS] as const),
    [`stock:${HAT}`, HAT, STOCK],
  ]);
  return { model, real };
}

it(
  "answers and holds what a page of arithmetic says, whatever is asked and whatever happens meanwhile",
  async () => {
    console.log(`model: GAMEFLEET_SEED=${SEED}, ${SEQUENCES} sequences of up to ${LENGTH} steps`);
    const sequence = fc.commands<Model, Real, false>([fc.oneof(...STEPS)], {
      maxCommands: LENGTH,
      size: "max",
      ...(REPLAY ? { replayPath: REPLAY } : {}),
    });
    const property = fc.asyncProperty(sequence, async (steps) => {
      const { model, real } = await setUp();
      try {
        await fc.asyncModelRun(() => ({ model, real }), steps);
      } finally {
        world.proxies.redis.heal();
        world.proxies.postgres.heal();
      }
      expect(await world.books.imbalance()).toBeUndefined();
    });
    const repeat = PATH ? { path: PATH } : { examples: [[ALWAYS]] as [readonly Step[]][] };
    await fc.assert(property, { seed: SEED, numRuns: SEQUENCES, ...repeat });
    console.log(JSON.stringify({ sequences, lives: world.lives, answers: Object.fromEntries(answers) }));
    await eventually(async () => (await world.journaled()) === 0, "empty journals");
    expect(await world.findings()).toEqual([]);
    if (PATH) return;
    const seen = [
      "settled",
      "conflict",
      "expired",
      "insufficient-funds",
      "insufficient-goods",
      "sold-out",
      "limit",
    ];
    expect([...answers.keys()].sort()).toEqual(seen.sort());
    expect(world.lives).toBeGreaterThan(1);
  },
  60_000 + SEQUENCES * 5_000,
);
