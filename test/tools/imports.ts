/**
 * Checks who imports whom against the design: layers import downwards only, parts stay apart.
 *
 * A rule names a folder and what it may import besides itself; the longest folder that matches a file counts.
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const RULES: Readonly<Record<string, readonly string[]>> = {
  platform: [],
  protocol: [],
  client: ["protocol"],
  "operator/api": ["protocol", "platform"],
  "operator/kube": ["operator/api", "protocol", "platform"],
  "operator/runtime": ["operator/kube", "operator/api", "protocol", "platform"],
  "operator/balancer": ["operator/api", "operator/kube", "operator/runtime", "protocol", "platform"],
  "operator/controllers": [
    "operator/api",
    "operator/kube",
    "operator/runtime",
    "operator/balancer",
    "protocol",
    "platform",
  ],
  "operator/allocator": ["protocol", "platform"],
  operator: ["protocol", "platform"],
  "gameserver/scheduler": ["protocol", "platform"],
  "gameserver/physics": ["gameserver/game.ts", "protocol", "platform"],
  "gameserver/ai": ["gameserver/game.ts", "protocol", "platform"],
  "gameserver/simulation": [
    "gameserver/physics",
    "gameserver/ai",
    "gameserver/scheduler",
    "gameserver/game.ts",
    "gameserver/load-game.ts",
    "gameserver/shared-stats.ts",
    "protocol",
    "platform",
  ],
  gameserver: ["protocol", "platform"],
  games: ["gameserver/game.ts", "protocol", "platform"],
  "games/starlanes/web": ["client", "protocol", "games/starlanes"],
};
/** Tests stand beside the code and may use fixtures. */
const IN_TESTS = ["test", "platform", "gameserver/testing"];

const isTest = (file: string) => /\.test\.ts$|\/testing(\/|\.ts$)/.test(file);
const within = (file: string, folder: string) => file === folder || file.startsWith(`${folder}/`);

function ruleOf(file: string): string | undefined {
  return Object.keys(RULES)
    .filter((folder) => within(file, folder))
    .sort((a, b) => b.length - a.length)[0];
}

function problemsOf(file: string): string[] {
  const folder = ruleOf(file);
  if (folder === undefined) return [];
  const allowed = [folder, ...(RULES[folder] ?? []), ...(isTest(file) ? IN_TESTS : [])];
  const source = readFileSync(file, "utf8");
  const found = [...source.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map((match) => match[1] ?? "");
  return found
    .map((specifier) => normalize(join(dirname(file), specifier)))
    .filter((target) => !allowed.some((entry) => within(target, entry)))
    .map((target) => `${file} must not import ${target} (${folder} may import: ${allowed.join(", ")})`);
}

const files = execFileSync("git", ["ls-files", "*.ts"], { encoding: "utf8" }).trim().split("\n");
const problems = files.flatMap(problemsOf);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
