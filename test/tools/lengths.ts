/** Checks that no source file is longer than a reader takes in: one idea a file (design page, "Shape of the code"). */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const MOST_LINES = 300;

const files = execFileSync("git", ["ls-files", "-z", "*.ts"], { encoding: "utf8" }).split("\0");
const long = files
  .filter((file) => file !== "")
  .map((file) => ({ file, lines: readFileSync(file, "utf8").trimEnd().split("\n").length }))
  .filter(({ lines }) => lines > MOST_LINES);
for (const { file, lines } of long)
  console.error(`${file}: ${lines} lines, at most ${MOST_LINES}: split it by idea`);
process.exitCode = long.length === 0 ? 0 : 1;
