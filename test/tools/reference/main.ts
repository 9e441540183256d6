/**
 * Writes docs/reference from the code: `npm run generate`. With `--check` it changes nothing and fails on a difference,
 * naming the page, so that what is committed is what the code says.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configurationPage } from "./configuration.ts";
import { errorsPage } from "./errors.ts";
import { httpPage } from "./http.ts";
import { kindsPage } from "./kinds.ts";
import { type Page, pageText, table } from "./markdown.ts";
import { metricsPage } from "./metrics.ts";

const FOLDER = fileURLToPath(new URL("../../../docs/reference/", import.meta.url));
const check = process.argv.includes("--check");

function readme(pages: readonly Page[]): Page {
  const rows = pages.map(({ file, about }) => [`[${file.replace(/\.md$/, "")}](${file})`, about]);
  const text = pageText("Reference", "the list of pages", [
    "Where to look up what a setting, an error, a metric or a field means. Guides: [docs](../../README.md#the-parts).",
    table(["Page", "What is there"], rows),
    "All of it is made from the code by `make generate` (test/tools/reference), and `make verify` fails where a page says " +
      "something else than the code. To mend a page, mend the description in the code: `.describe()` of a field, variable " +
      "or parameter, the help of a metric, the title of an error.",
  ]);
  return { file: "README.md", about: "", text };
}

const pages = [kindsPage(), configurationPage(), errorsPage(), metricsPage(), await httpPage()];
const all = [readme(pages), ...pages];
mkdirSync(FOLDER, { recursive: true });
const stale = readdirSync(FOLDER).filter((file) => !all.some((page) => page.file === file));
let failures = 0;

for (const { file, text } of all) {
  if (!check) {
    writeFileSync(`${FOLDER}${file}`, text);
    console.log(`docs/reference/${file}  ${(Buffer.byteLength(text) / 1024).toFixed(1)} KiB`);
  } else if (!existsSync(`${FOLDER}${file}`) || readFileSync(`${FOLDER}${file}`, "utf8") !== text) {
    console.error(`docs/reference/${file} is not what the code says: run make generate`);
    failures += 1;
  }
}
for (const file of stale) {
  if (check) console.error(`docs/reference/${file} is no page of the reference any more: run make generate`);
  else rmSync(`${FOLDER}${file}`);
  failures += check ? 1 : 0;
}
process.exitCode = failures === 0 ? 0 : 1;
