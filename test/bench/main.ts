/**
 * `npm run -s bench -- <name> [--quick]`: runs one benchmark and prints its result as the last line, one JSON object.
 * With `--record` the result also goes into docs/benchmarks.md, with hardware and date.
 */
import { parseArgs } from "node:util";
import { runBench } from "./harness.ts";
import { record } from "./record.ts";

const BENCHES: Readonly<Record<string, () => Promise<{ readonly bench: Bench }>>> = {
  ai: () => import("./ai/bench.ts"),
  allocator: () => import("./allocator/bench.ts"),
  "operator-failover": () => import("./failover/bench.ts"),
  physics: () => import("./physics/bench.ts"),
  overload: () => import("./overload/bench.ts"),
  scheduler: () => import("./scheduler/bench.ts"),
  realtime: () => import("./realtime/bench.ts"),
  "ledger-verify": () => import("./ledger-verify/bench.ts"),
  transactions: () => import("./transactions/bench.ts"),
  "transactions-faults": () => import("./transactions-faults/bench.ts"),
};

type Bench = Parameters<typeof runBench>[1];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, record: { type: "boolean", default: false } },
});
const name = positionals[0] ?? "";
const load = BENCHES[name];
if (!load) {
  console.error(`usage: npm run -s bench -- <${Object.keys(BENCHES).join("|")}> [--quick] [--record]`);
  process.exit(2);
}
const { bench } = await load();
const result = await runBench(name, bench, values.quick);
if (values.record) record(result, values.quick);
console.log(JSON.stringify(result));
process.exit(0);
