/**
 * Writes the CRDs from the kinds: `npm run generate`. With `--check` it changes nothing and fails on a difference,
 * so that what is committed is what the code says.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { crdOf } from "./crd.ts";
import { fleetKind } from "./fleet.ts";
import { gameServerKind } from "./gameserver.ts";
import { sessionMigrationKind } from "./session-migration.ts";

/** Client-side `kubectl apply` keeps a copy in an annotation of at most 256 KiB; stay well below. */
const MAX_BYTES = 200 * 1024;

const check = process.argv.includes("--check");
const folder = fileURLToPath(new URL("../../crds/", import.meta.url));
let failures = 0;

for (const kind of [fleetKind, gameServerKind, sessionMigrationKind]) {
  const file = `${folder}gamefleet.dev_${kind.plural}.yaml`;
  const head = "# Generated from operator/api by `make generate`. Do not edit.\n";
  const text = head + stringify(crdOf(kind), { lineWidth: 0, aliasDuplicateObjects: false });
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) {
    console.error(`${file}: ${bytes} bytes, must be at most ${MAX_BYTES}`);
    failures += 1;
  }
  if (!check) {
    writeFileSync(file, text);
    console.log(`crds/gamefleet.dev_${kind.plural}.yaml  ${(bytes / 1024).toFixed(1)} KiB`);
  } else if (readFileSync(file, "utf8") !== text) {
    console.error(`crds/gamefleet.dev_${kind.plural}.yaml is not what operator/api says: run make generate`);
    failures += 1;
  }
}
process.exitCode = failures === 0 ? 0 : 1;
