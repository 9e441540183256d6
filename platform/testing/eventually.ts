/** Waits for what must become true; how long that takes is no part of a test. */

/** Below the shortest time-out of a test (vitest.config.ts): the test says what did not come, not that time was up. */
const LIMIT_MS = 45_000;
const EVERY_MS = 20;

/** Returns once `holds` neither throws nor answers false; throws, when time is up, what it threw last. */
export async function eventually(holds: () => unknown, what = "what was waited for"): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    try {
      if ((await holds()) !== false) return;
      if (performance.now() > end) throw new Error(`did not come: ${what}`);
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
