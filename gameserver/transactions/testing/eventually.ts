/** Waits for what must become true; how long that takes is no part of a test. */
const LIMIT_MS = 20_000;
const EVERY_MS = 10;

export async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`did not come: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
