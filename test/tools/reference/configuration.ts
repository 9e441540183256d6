/** docs/reference/configuration.md, from the shapes that the processes read their environment with. */
import { z } from "zod";
import { gameserverShape } from "../../../gameserver/config.ts";
import { allocatorShape } from "../../../operator/allocator/config.ts";
import { operatorShape } from "../../../operator/config.ts";
import { duration, flag } from "../../../platform/config.ts";
import { code, type Page, pageText, table } from "./markdown.ts";
import { boundsOf, type JsonSchema, shown, typeOf } from "./schema-words.ts";

const schemaOf = (type: z.ZodType): JsonSchema => z.toJSONSchema(type, { io: "input" }) as JsonSchema;

const DURATION = schemaOf(duration).pattern;
const FLAG = boundsOf(schemaOf(flag));

/** How a value is written. */
function formOf(schema: JsonSchema): string {
  const bounds = boundsOf(schema);
  if (schema.pattern === DURATION) return "duration";
  if (bounds === FLAG) return `flag: ${bounds}`;
  if (schema.enum) return bounds;
  const type = typeOf(schema);
  return bounds === "" ? type : `${type}, ${bounds}`;
}

function variables(shape: z.ZodRawShape): string {
  const { properties = {}, required = [] } = schemaOf(z.object(shape));
  const rows = Object.entries(properties).map(([name, schema]) => {
    if (!schema.description) throw new Error(`${name}: say with .describe() what it is for`);
    const must = required.includes(name) ? "must be set" : "not set";
    const fallback = schema.default === undefined ? must : code(shown(schema.default));
    return [code(name), fallback, formOf(schema), schema.description];
  });
  return table(["Variable", "Default", "Form", "Meaning"], rows);
}

export function configurationPage(): Page {
  const about = "every `GAMEFLEET_*` variable of operator, allocator and game server";
  const text = pageText("Configuration", "the config.ts of each process", [
    "Environment variables, read once when a process starts. All that is wrong is reported together, by name, as " +
      "`CONFIG_INVALID`. An empty variable counts as not set. A *duration* is a whole number with its unit: `500ms`, " +
      "`15s`, `5m`, `24h`.",
    "`--print-config` shows what a process has understood, and ends. Durations are shown in milliseconds. Passwords in " +
      "URLs are shown as `<redacted>`, and so is the whole value of a variable whose name holds TOKEN, PASSWORD or " +
      "SECRET, or ends in _KEY.",
    "**Secrets** are the two URLs (they hold passwords), the files of GAMEFLEET_SERVICE_TOKENS_DIR and " +
      "GAMEFLEET_RECEIPTS_FILE: take them from Kubernetes secrets. The chart does so for operator and allocator; a " +
      "game server gets its URLs from the secret named by `storesSecret` (see [kinds](kinds.md)).",
    "## Operator\n\n`node operator/main.ts --role operator`",
    variables(operatorShape),
    "## Allocator\n\n`node operator/main.ts --role allocator`",
    variables(allocatorShape),
    "## Game server\n\n`node gameserver/main.ts`. What is *set by the operator* cannot be set in the template of a " +
      "Fleet or GameServer: its own value wins. All else goes into `env` of the first container.",
    variables(gameserverShape),
  ]);
  return { file: "configuration.md", about, text };
}
