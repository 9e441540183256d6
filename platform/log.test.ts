import { expect, it } from "vitest";
import { createLog, type Log, silentLog } from "./log.ts";

function logged(level: string, write: (log: Log) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLog({ name: "test", level, destination: { write: (line) => void lines.push(line) } }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

it("is one JSON object a line, with level by name and time as ISO 8601", () => {
  const [line] = logged("info", (log) => log.info({ pod: "a" }, "pod created"));
  expect(line).toMatchObject({ level: "info", name: "test", pod: "a", msg: "pod created" });
  expect(new Date(String(line?.time)).toISOString()).toBe(line?.time);
});

it("never writes tickets, tokens and passwords, at the top and one level down", () => {
  const secret = "t0p-s3cret";
  const [line] = logged("info", (log) =>
    log.info(
      {
        ticket: secret,
        resumeToken: secret,
        token: secret,
        password: secret,
        session: { token: secret, ticket: secret, resumeToken: secret, password: secret, id: "s-1" },
      },
      "joined",
    ),
  );
  expect(JSON.stringify(line)).not.toContain(secret);
  expect(line).toMatchObject({ ticket: "<redacted>", session: { token: "<redacted>", id: "s-1" } });
});

it("redacts in children too", () => {
  const [line] = logged("info", (log) => log.child({ token: "t0p" }).info("joined"));
  expect(JSON.stringify(line)).not.toContain("t0p");
});

it("writes nothing below its level, and errors with stack in err", () => {
  const lines = logged("warn", (log) => {
    log.info("quiet");
    log.error({ err: new Error("broken") }, "failed");
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: "error", err: { type: "Error", message: "broken" } });
  expect((lines[0]?.err as { stack?: string } | undefined)?.stack).toContain("log.test.ts");
});

it("writes an error of which only the message is told as just that", () => {
  const [line] = logged("info", (log) => log.warn({ err: { message: "away" } }, "not written"));
  expect(line?.err).toEqual({ message: "away" });
});

it("the silent log says nothing", () => {
  expect(silentLog().level).toBe("silent");
});
