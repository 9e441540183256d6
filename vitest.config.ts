import { defineConfig } from "vitest/config";

/**
 * Four kinds of test, told apart by the file's name so that a test can stand beside its code:
 * `x.test.ts` does no I/O, `x.int.test.ts` uses real Redis and PostgreSQL on loopback,
 * `x.e2e.test.ts` a real kind cluster, `x.faults.test.ts` seeded faults.
 */
const unit = ["**/*.test.ts"];
const special = ["**/*.int.test.ts", "**/*.e2e.test.ts", "**/*.faults.test.ts"];
const never = ["node_modules/**", "**/.state/**"];

export default defineConfig({
  test: {
    coverage: {
      provider: "v8",
      include: ["{platform,protocol,operator,gameserver,client,games}/**/*.ts"],
      exclude: [
        // Harnesses of tests, not what is tested.
        "gameserver/transactions/**/testing/**",
        "gameserver/transactions/simulation/**",
        // Reads the environment and hands over to commands.ts: only a process of its own could run it, and does
        // nothing else.
        "gameserver/transactions/cli.ts",
      ],
      // Looked at by `npm run coverage:scheduler` and `coverage:transactions`, and by make test in one report of all.
      thresholds: {
        "gameserver/scheduler/**": { lines: 95, statements: 95, functions: 95, branches: 90 },
        "gameserver/transactions/**": { lines: 100, branches: 100 },
      },
    },
    // A time-out ends what hangs; it is no claim on speed. A loaded machine takes ten times as long as a quiet one.
    projects: [
      {
        test: {
          name: "unit",
          include: unit,
          exclude: [...special, ...never],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 45_000 } },
        },
      },
      {
        test: {
          name: "integration",
          include: ["**/*.int.test.ts"],
          exclude: never,
          globalSetup: ["test/stores/vitest.ts"],
          testTimeout: 90_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "faults",
          include: ["**/*.faults.test.ts"],
          exclude: never,
          globalSetup: ["test/stores/vitest.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["**/*.e2e.test.ts"],
          exclude: never,
          testTimeout: 180_000,
          hookTimeout: 300_000,
          expect: { poll: { timeout: 45_000 } },
          fileParallelism: false,
        },
      },
    ],
  },
});
