/** docs/reference/errors.md, from the table in platform/errors.ts and the close codes of the protocol. */
import { refusalCode } from "../../../gameserver/control/refusal.ts";
import { ERRORS, type ErrorCode, fail } from "../../../platform/errors.ts";
import { CLOSE, CLOSE_CODES, type CloseCode } from "../../../protocol/close.ts";
import { ADVICE } from "./error-advice.ts";
import { code, type Page, pageText, table } from "./markdown.ts";

const CODES = Object.keys(ERRORS) as ErrorCode[];

function errorTable(): string {
  const rows = CODES.map((name) => {
    const { status, title } = ERRORS[name];
    return [code(name), String(status), fail(name, "").retryable ? "yes" : "no", title, ADVICE[name]];
  });
  return table(["Code", "HTTP", "Again", "Means", "What to do"], rows);
}

/** Errors that refuse a HELLO with this code. All others close with `internal`. */
const refusedWith = (close: number): string =>
  CODES.filter((name) => close !== CLOSE.internal && refusalCode(fail(name, "")).code === close)
    .map(code)
    .join(", ");

function closeTable(): string {
  const rows = (Object.keys(CLOSE_CODES).map(Number) as CloseCode[]).map((close) => {
    const { name, meaning, resumable } = CLOSE_CODES[close];
    return [String(close), name, meaning, resumable ? "yes" : "no", refusedWith(close)];
  });
  return table(["Code", "Name", "Means", "Carry on", "Refuses a HELLO for"], rows);
}

export function errorsPage(): Page {
  const text = pageText("Errors and close codes", "platform/errors.ts and protocol/close.ts", [
    "A code never changes its meaning: decide by it, never by the message, which names what is wrong in this case. It is " +
      "the `code` of an HTTP answer ([HTTP](http.md)), the reason of a close frame, the `result` of " +
      "`gamefleet_joins_total`, and stands in the log.",
    "## Errors",
    "*Again*: whether the same request may succeed later, without a change.",
    errorTable(),
    "## Close codes",
    "With which a game server ends a player's WebSocket. *Carry on*: the session lives on or moves; the client comes back " +
      "with its resume token, or through the allocator. The SDK does so by itself. When a player's HELLO is refused for " +
      "an error that is not named here, the code is 4014.",
    closeTable(),
    "Codes below 4000 are used as RFC 6455 says. After 1001 and 1006 a client may carry on: they say nothing about the " +
      "session.",
  ]);
  return {
    file: "errors.md",
    about: "every error code and WebSocket close code, and what to do about it",
    text,
  };
}
