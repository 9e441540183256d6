import { describe, expect, it } from "vitest";
import { readModule } from "./metric-source.ts";

const FILE = "gameserver/control/some.ts";
const IMPORT =
  'import { counter, gauge as dial, histogram, type Registry } from "../../platform/metrics.ts";\n';
const read = (source: string) => readModule(FILE, IMPORT + source).metrics;

describe("what is read", () => {
  it("names, help and labels that are written out, with type and place", () => {
    const source = `
      const a = counter(registry, "gamefleet_a_total", "What happened.");
      function more(registry: Registry) {
        return {
          b: dial(registry, 'gamefleet_b', "How it is", ["kind", "store"], () => {}),
          c: histogram(registry, "gamefleet_c_seconds", "How long it took.", [], BUCKETS),
        };
      }`;
    expect(read(source)).toEqual([
      { name: "gamefleet_a_total", type: "counter", help: "What happened.", labels: [], at: `${FILE}:3` },
      { name: "gamefleet_b", type: "gauge", help: "How it is", labels: ["kind", "store"], at: `${FILE}:6` },
      {
        name: "gamefleet_c_seconds",
        type: "histogram",
        help: "How long it took.",
        labels: [],
        at: `${FILE}:7`,
      },
    ]);
  });

  it("constants of the same file", () => {
    const source = `
      export const NAME = "gamefleet_a_total";
      const WHO = "caller";
      const LABELS = [WHO, "result"] as const;
      counter(registry, NAME, "Calls.", LABELS);`;
    expect(read(source)).toMatchObject([{ name: "gamefleet_a_total", labels: ["caller", "result"] }]);
  });

  it("nothing of what only has the same name", () => {
    const source = `
      type Made = ReturnType<typeof counter<"result">>;
      const one = { counter: 1, histogram: of.histogram };
      stats.counter("gamefleet_a");
      stats.counter = 2;`;
    expect(read(source)).toEqual([]);
    expect(readModule(FILE, 'counter(1, "gamefleet_a", "Not ours.");').metrics).toEqual([]);
  });

  it("which files a module takes values from", () => {
    const source = `
      import type { A } from "./types.ts";
      import { type B } from "./more-types.ts";
      import { c, type D } from "../values.ts";
      import "./effects.ts";
      import { readFileSync } from "node:fs";
      export { e } from "./handed-on.ts";
      export type { F } from "./types-handed-on.ts";`;
    expect(readModule(FILE, source).imports).toEqual([
      "gameserver/values.ts",
      "gameserver/control/effects.ts",
      "gameserver/control/handed-on.ts",
    ]);
  });
});

describe("what is refused, by file and line", () => {
  const written = "must be written out";
  it.each([
    ["a name put together", 'counter(r, `gamefleet_${what}_total`, "Help.");', `name of a metric ${written}`],
    ["a name from a call", 'counter(r, name("a"), "Help.");', `name of a metric ${written}`],
    ["a name of another file", 'counter(r, OTHERS, "Help.");', `name of a metric ${written}`],
    ["a name that stands for two", 'const N = "a"; { const N = "b"; } counter(r, N, "H.");', written],
    ["a variable that may change", 'let N = "a"; counter(r, N, "Help.");', written],
    ["no name", "counter(r);", written],
    ["a name Prometheus does not take", 'counter(r, "gamefleet-a", "Help.");', written],
    ["no help", 'counter(r, "gamefleet_a_total");', "help of gamefleet_a_total"],
    ["empty help", 'counter(r, "gamefleet_a_total", " ");', "help of gamefleet_a_total"],
    ["help put together", 'counter(r, "gamefleet_a_total", "Of " + what);', "help of gamefleet_a_total"],
    ["labels from elsewhere", 'dial(r, "gamefleet_a", "Help.", labels);', "labels of gamefleet_a"],
    ["labels spread", 'dial(r, "gamefleet_a", "Help.", [...LABELS]);', "labels of gamefleet_a"],
    ["arguments spread", "counter(...all);", written],
    ["a maker handed on", "const make = counter;", "must be called where it is named"],
    ["a maker handed over", "all.map(histogram);", "must be called where it is named"],
    ["a maker in an object", "const makers = { counter };", "must be called where it is named"],
    ["prom-client itself", 'import { Gauge } from "prom-client";', "not by prom-client"],
    ["all of platform/metrics.ts", 'import * as m from "../../platform/metrics.ts";', "by names"],
    ["makers exported again", 'export { counter } from "../../platform/metrics.ts";', "do not hand it on"],
    ["everything exported again", 'export * from "../../platform/metrics.ts";', "do not hand it on"],
  ])("%s", (_what, source, why) => {
    const at = new RegExp(`^${FILE}:2: .*${why}`);
    expect(() => read(source)).toThrow(expect.objectContaining({ message: expect.stringMatching(at) }));
  });

  it("a file that cannot be parsed", () => {
    expect(() => readModule(FILE, "const = 1;")).toThrow(FILE);
  });

  it("but types of prom-client are nobody's metric", () => {
    expect(readModule(FILE, 'import type { Gauge } from "prom-client";').metrics).toEqual([]);
    expect(readModule(FILE, 'export type { Gauge } from "prom-client";').metrics).toEqual([]);
  });
});
