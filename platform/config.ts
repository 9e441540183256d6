/**
 * Configuration from environment variables, read once per process.
 *
 * All mistakes are reported together, each with its variable; values of variables that look secret are never
 * printed. Called by `config.ts` of each process.
 */
import { z } from "zod";
import { fail } from "./errors.ts";

/** Durations as people write them: `500ms`, `15s`, `5m`, `24h`. Yields milliseconds. */
export const duration = z
  .string()
  .regex(/^\d+(ms|s|m|h)$/, "must be a duration such as 500ms, 15s, 5m or 24h")
  .transform((text) => {
    const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
    const name = text.replace(/^\d+/, "") as keyof typeof unit;
    return Number.parseInt(text, 10) * unit[name];
  });

export const port = z.coerce.number().int().min(0).max(65_535);
export const flag = z.enum(["true", "false"]).transform((text) => text === "true");
export const logLevel = z.enum(["trace", "debug", "info", "warn", "error", "fatal"]);

/** Reads `shape` from `env`. Throws `CONFIG_INVALID` naming every bad variable. */
export function readConfig<S extends z.ZodRawShape>(
  shape: S,
  env: Readonly<Record<string, string | undefined>>,
): z.infer<z.ZodObject<S>> {
  // An empty variable counts as unset: charts and shells produce them all the time.
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ""),
  );
  const result = z.object(shape).safeParse(given);
  if (result.success) return result.data;
  const fields: Record<string, string> = {};
  for (const issue of result.error.issues) {
    const name = issue.path.join(".");
    fields[name] = given[name] === undefined ? `must be set (${issue.message})` : issue.message;
  }
  const list = Object.entries(fields).map(([name, problem]) => `${name}: ${problem}`);
  throw fail("CONFIG_INVALID", `configuration: ${list.join("; ")}`, { fields });
}

const SECRET = /TOKEN|PASSWORD|SECRET|_KEY$/i;

/** The configuration as it may be shown (`--print-config`): secrets and URL passwords redacted. */
export function redactConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      if (SECRET.test(name)) return [name, value === undefined ? undefined : "<redacted>"];
      // To the last @: a password may hold one that nobody encoded.
      if (typeof value === "string") return [name, value.replace(/(:\/\/[^:/@]*:).*@/s, "$1<redacted>@")];
      return [name, value];
    }),
  );
}
