/** What chart and guides speak of is there: metrics and variables are looked up in the code. */
import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gameserverShape } from "../../../gameserver/config.ts";
import { allocatorShape } from "../../../operator/allocator/config.ts";
import { operatorShape } from "../../../operator/config.ts";
import { allMetrics, seriesOf } from "./metrics.ts";

const ROOT = new URL("../../../", import.meta.url);
const textOf = (file: string) => readFileSync(new URL(file, ROOT), "utf8");
const metrics = allMetrics();
/** Written like a metric: the role of PostgreSQL that writes the ledger. */
const ROLE = "gamefleet_ledger";
const series = new Set(metrics.flatMap(seriesOf));

/** Every value of `key` in a JSON document. */
function valuesOf(json: unknown, key: string): string[] {
  if (typeof json !== "object" || json === null) return [];
  return Object.entries(json).flatMap(([name, value]) =>
    name === key && typeof value === "string" ? [value] : valuesOf(value, key),
  );
}

/** `expr:` of the alerts, which stand in a Helm template: to the next key. */
const alerts = () =>
  [
    ...textOf("charts/gamefleet/templates/monitoring.yaml").matchAll(/expr:([\s\S]*?)\n *(?:for|labels):/g),
  ].map(([, expression = ""]) => expression);
const panels = () => valuesOf(JSON.parse(textOf("charts/gamefleet/dashboards/gamefleet.json")), "expr");

/** The series a PromQL expression asks for: words that are no function, label, string, range or keyword. */
function askedFor(expression: string): string[] {
  const bare = expression
    .replaceAll(/"[^"]*"|\{[^}]*\}|\[[^\]]*\]/g, " ")
    .replaceAll(/\b(?:by|without|on|ignoring)\s*\([^)]*\)/g, " ");
  return [...bare.matchAll(/\b[a-z_][a-z0-9_]*\b(?!\s*\()/gi)]
    .map(([word]) => word)
    .filter((word) => !["or", "and", "unless", "bool", "offset"].includes(word));
}

describe("metrics", () => {
  it("of alerts and dashboard are exported", () => {
    const expressions = [...alerts(), ...panels()];
    expect(expressions.length).toBeGreaterThan(30);
    const asked = expressions.map((expression) => ({ expression, names: askedFor(expression) }));
    expect(asked.filter(({ names }) => names.length === 0)).toEqual([]);
    expect(asked.flatMap(({ names }) => names).filter((name) => !series.has(name))).toEqual([]);
  });

  it("are found in an expression, whatever stands around them", () => {
    const expression =
      'histogram_quantile(0.99, sum by (le, pod) (rate(a_bucket{zone=~"b.*"}[$__rate_interval]))) / c_total > 0.2 or d';
    expect(askedFor(expression)).toEqual(["a_bucket", "c_total", "d"]);
  });

  it("that guides name in full are exported", () => {
    const names = new Set(metrics.map(({ name }) => name));
    const guides = globSync("{README.md,docs/*.md}", { cwd: ROOT });
    const spoken = guides.flatMap((file) =>
      [...textOf(file).matchAll(/`(gamefleet_[a-z0-9_]*[a-z0-9])[`{]/g)].map(([, name = ""]) => name),
    );
    expect(spoken.length).toBeGreaterThan(20);
    expect(spoken.filter((name) => name !== ROLE && !names.has(name))).toEqual([]);
  });
});

it("variables that the chart sets are read", () => {
  const known = { ...operatorShape, ...allocatorShape, ...gameserverShape };
  const files = globSync("charts/**/*.{yaml,tpl}", { cwd: ROOT });
  const set = files.flatMap((file) => [...textOf(file).matchAll(/name: (GAMEFLEET_[A-Z_]+)/g)]);
  expect(set.length).toBeGreaterThan(10);
  expect(set.map(([, name = ""]) => name).filter((name) => !(name in known))).toEqual([]);
});
