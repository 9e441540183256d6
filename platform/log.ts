/**
 * Structured logs: one JSON object a line on stdout, a constant message plus fields.
 *
 * Rule: the message never carries values ("pod created", not "pod x created"), so that lines can be counted;
 * values go into fields. Errors go into the field `err`.
 */
import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;

export interface LogOptions {
  readonly name: string;
  readonly level: string;
  readonly destination?: DestinationStream;
}

/** Fields never written, at the top of a line and one level down. */
const SECRETS = ["ticket", "resumeToken", "token", "password"];

export function createLog(options: LogOptions): Log {
  const settings = {
    name: options.name,
    level: options.level,
    base: { name: options.name },
    timestamp: pino.stdTimeFunctions.isoTime,
    // Where only a message is given (a cause that is known, and not ours), pino's own form would add an empty stack.
    serializers: {
      err: (error: unknown) => (error instanceof Error ? pino.stdSerializers.err(error) : error),
    },
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: SECRETS.flatMap((name) => [name, `*.${name}`]),
      censor: "<redacted>",
    },
  };
  return options.destination ? pino(settings, options.destination) : pino(settings);
}

/** A log that says nothing: for tests and tools. */
export function silentLog(): Log {
  return pino({ level: "silent" });
}
