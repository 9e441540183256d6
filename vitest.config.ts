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
      // Looked at by `npm run coverage:scheduler`, and so by make test.
      thresholds: {
        "gameserver/scheduler/**": { lines: 95, statements: 95, functions: 95, branches: 90 },
      },
    },
    projects: [
      { test: { name: "unit", include: unit, exclude: [...special, ...never] } },
      {
        test: {
          name: "integration",
          include: ["**/*.int.test.ts"],
          exclude: never,
          globalSetup: ["test/stores/vitest.ts"],
          testTimeout: 30_000,
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
          fileParallelism: false,
        },
      },
    ],
  },
});
