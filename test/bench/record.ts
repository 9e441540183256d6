/** Writes a result into docs/benchmarks.md: one section a benchmark and form, replaced as a whole. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type BenchResult, hardware } from "./harness.ts";

const FILE = fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url));
const HEAD = `# Benchmarks

Written by \`npm run -s bench -- <name> --record\`. Ratios are from one run, both sides interleaved; absolute figures
depend on the machine named with them. Quick forms where the heading names no other.
`;

export function record(result: BenchResult, quick: boolean): void {
  const text = existsSync(FILE) ? readFileSync(FILE, "utf8") : HEAD;
  const section = render(result, quick);
  const start = text.indexOf(`\n${heading(result, quick)}\n`);
  if (start < 0) {
    writeFileSync(FILE, `${text.trimEnd()}\n${section}`);
    return;
  }
  const next = text.indexOf("\n## ", start + 1);
  writeFileSync(FILE, `${text.slice(0, start)}${section}${next < 0 ? "" : text.slice(next)}`);
}

const heading = ({ bench }: BenchResult, quick: boolean) => `## ${bench}${quick ? "" : ", full form"}`;

function render(result: BenchResult, quick: boolean): string {
  const rows = (kind: string, values: Readonly<Record<string, unknown>>) =>
    Object.entries(values).map(([key, value]) => `| \`${kind}.${key}\` | ${String(value)} |`);
  const day = new Date().toISOString().slice(0, 10);
  const validity = result.valid ? "" : `\n**Not valid**: ${result.why}\n`;
  return [
    `\n${heading(result, quick)}\n`,
    `${day}, ${hardware()}.`,
    validity,
    "| figure | value |",
    "|---|---|",
    ...rows("ratios", result.ratios),
    ...rows("figures", result.figures),
    "",
  ].join("\n");
}
