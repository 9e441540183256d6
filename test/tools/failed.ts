/**
 * Says which tests failed and why, a few lines each, from vitest's JSON reports: whoever reads only the end of a log
 * needs no more. Usage: npx node test/tools/failed.ts REPORT...
 */
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    /** Why the file as a whole failed. */
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

const REASON_LINES = 12;

for (const file of process.argv.slice(2)) {
  const { testResults } = JSON.parse(readFileSync(file, "utf8")) as Report;
  for (const { name, status, message, assertionResults } of testResults) {
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (status === "failed" && failed.length === 0) say(name, message);
    for (const { fullName, failureMessages } of failed)
      say(`${name}: ${fullName}`, failureMessages?.join("\n") ?? "");
  }
}

function say(what: string, why: string): void {
  const reason = stripVTControlCharacters(why).trim().split("\n").slice(0, REASON_LINES);
  console.log([`✗ ${what}`, ...reason.map((line) => `    ${line}`)].join("\n"));
}
