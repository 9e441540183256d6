/** docs/reference/metrics.md, from the source of the processes that export them. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { code, type Page, pageText, table } from "./markdown.ts";
import { type Metric, type Module, readModule } from "./metric-source.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Where each process begins. What it imports from there on is what it exports metrics of. */
const PROCESSES = {
  Operator: "operator/operator.ts",
  Allocator: "operator/allocator/allocator.ts",
  "Game server": "gameserver/main.ts",
} as const;
type Process = keyof typeof PROCESSES;
const NAMES = Object.keys(PROCESSES) as Process[];

export interface Exported extends Metric {
  readonly by: readonly Process[];
}

/** Every file below `start` by imports. */
function reach(start: string, modules: ReadonlyMap<string, Module>): ReadonlySet<string> {
  const found = new Set([start]);
  for (const file of found) for (const next of modules.get(file)?.imports ?? []) found.add(next);
  return found;
}

/** All metrics by name, with the processes that export them. Throws for one that none does, or that is made twice. */
export function allMetrics(root = ROOT): Exported[] {
  const files = globSync("{platform,protocol,operator,gameserver}/**/*.ts", { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => !/\.test\.ts$|\/testing\//.test(file))
    .sort();
  const modules = new Map(
    files.map((file) => [file, readModule(file, readFileSync(`${root}${file}`, "utf8"))]),
  );
  const reached = new Map(NAMES.map((name) => [name, reach(PROCESSES[name], modules)]));
  const byName = new Map<string, Exported>();
  for (const [file, { metrics }] of modules) {
    const by = NAMES.filter((name) => reached.get(name)?.has(file));
    for (const metric of metrics) {
      if (by.length === 0)
        throw new Error(`${metric.at}: ${metric.name} is made where no process imports it`);
      const other = byName.get(metric.name);
      if (other) throw new Error(`${metric.at}: ${metric.name} is made at ${other.at} already`);
      byName.set(metric.name, { ...metric, by });
    }
  }
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The names under which Prometheus keeps what a metric exports. */
export function seriesOf({ name, type }: Pick<Metric, "name" | "type">): string[] {
  return type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

const metricTable = (metrics: readonly Exported[], withProcess = false): string =>
  table(
    ["Metric", "Type", "Labels", "Meaning", "Exported by"],
    metrics.map(({ name, type, labels, help, by }) => [
      code(name),
      type,
      labels.map(code).join(", "),
      help.replace(/\.?$/, "."),
      withProcess ? by.join(", ") : "",
    ]),
  );

export function metricsPage(): Page {
  const all = allMetrics();
  const of = (name: Process) => all.filter(({ by }) => by.length === 1 && by[0] === name);
  const shared = all.filter(({ by }) => by.length > 1);
  const text = pageText("Metrics", "the source of each process", [
    "`/metrics` on port 8080 of operator and allocator, on the admin port of each game server. Counters only grow while " +
      "a process lives; a histogram is exported as `_bucket`, `_sum` and `_count`. Times are in seconds.",
    "How to read those of scheduler and ladder: [scheduler](../scheduler.md#how-to-read-the-metrics). Alerts and a " +
      "dashboard come with the chart: [Running it](../operations.md#watch).",
    "## Operator",
    "Names that do not begin with `gamefleet_` are those of controller-runtime and client-go, with the same meaning.",
    metricTable(of("Operator")),
    "## Allocator",
    metricTable(of("Allocator")),
    "## Game server",
    "Each carries the labels `fleet` and `server`, both as namespace/name, besides its own.",
    metricTable(of("Game server")),
    "## Of several processes",
    metricTable(shared, true),
    "Every process exports those of Node.js too, as prom-client names them: `process_*` (CPU, memory, open files, start " +
      "time) and `nodejs_*` (event loop lag, heap, garbage collection, handles, version).",
  ]);
  return { file: "metrics.md", about: "every metric of operator, allocator and game server", text };
}
