/** The operator's own HTTP server: probes and metrics, on every replica, leading or not. */
import { createHttpServer } from "../platform/http.ts";
import type { Log } from "../platform/log.ts";
import type { Registry } from "../platform/metrics.ts";
import { Health, stallCheck } from "./runtime/health.ts";
import type { Manager } from "./runtime/manager.ts";
import type { Server } from "./runtime/runnable.ts";

export interface ProbeOptions {
  readonly port: number;
  readonly version: string;
  readonly log: Log;
  readonly registry: Registry;
  readonly manager: Manager;
  readonly caches: readonly { readonly kind: string; check(): void }[];
}

export async function createProbes({
  port,
  version,
  log,
  registry,
  manager,
  caches,
}: ProbeOptions): Promise<Server> {
  const health = new Health();
  const ready = new Health();
  const stall = stallCheck(5_000);
  health.add("event-loop", stall.check);
  ready.add("caches", () => {
    if (!manager.synced) throw new Error("caches are not filled yet");
    for (const entry of caches) entry.check();
  });
  const problemOf = (checks: Health) => () => {
    const report = checks.report();
    if (report.ok) return undefined;
    return Object.entries(report.checks)
      .filter(([, answer]) => answer !== "ok")
      .map(([name, answer]) => `${name}: ${answer}`)
      .join("\n");
  };
  const server = await createHttpServer({
    name: "gamefleet operator",
    version,
    log,
    registry,
    healthy: problemOf(health),
    ready: problemOf(ready),
  });
  return {
    name: "http",
    start: async () => {
      await server.listen({ host: "0.0.0.0", port: port });
    },
    stop: async () => {
      stall.close();
      await server.close();
    },
  };
}
