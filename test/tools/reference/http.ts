/** docs/reference/http.md, from the routes as the processes add them: nothing listens, no handler runs. */
import { addStatusRoute } from "../../../gameserver/control/admin.ts";
import { addReceiptRoutes } from "../../../gameserver/transactions/receipts/routes.ts";
import { addTransactionRoutes } from "../../../gameserver/transactions/routes.ts";
import { addRoutes, type RouteOptions } from "../../../operator/allocator/routes.ts";
import { Callers } from "../../../platform/callers.ts";
import { createHttpServer, type TypedServer } from "../../../platform/http.ts";
import { silentLog } from "../../../platform/log.ts";
import { createRegistry } from "../../../platform/metrics.ts";
import { code, type Page, pageText } from "./markdown.ts";
import { type Field, fieldsOf, fieldTable, type JsonSchema } from "./schema-words.ts";

interface Body {
  readonly content?: { readonly "application/json"?: { readonly schema: JsonSchema } };
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: JsonSchema;
    readonly description?: string;
  }[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body>>;
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

const schemaOf = (body: Body | undefined): JsonSchema | undefined =>
  body?.content?.["application/json"]?.schema;

/** The OpenAPI paths of a server with these routes. */
async function pathsOf(add: (server: TypedServer) => unknown): Promise<Paths> {
  const server = await createHttpServer({
    name: "reference",
    version: "0",
    log: silentLog(),
    registry: createRegistry(),
  });
  await add(server);
  await server.ready();
  const { paths } = (server as unknown as { swagger(): { readonly paths: Paths } }).swagger();
  await server.close();
  return paths;
}

/** The table of these fields; refuses one that nobody explained. */
function explained(route: string, fields: readonly Field[], always?: string): string {
  const bare = fields.find(({ schema }) => !schema.description);
  if (bare) throw new Error(`${route}: ${bare.path}: say with .describe() what it is for`);
  return fieldTable(fields, always);
}

/** A body; one table for each form it may have. */
function bodyParts(route: string, title: string, schema: JsonSchema, always: string): string[] {
  const forms = schema.oneOf ?? schema.anyOf;
  if (!forms) return [title, explained(route, fieldsOf(schema, ""), always)];
  return [
    title,
    ...forms.flatMap((form) => {
      const [name, kind] =
        Object.entries(form.properties ?? {}).find(([, field]) => field.enum?.length === 1) ?? [];
      const rest = fieldsOf(form, "").filter(({ path }) => path !== name);
      return [`with ${code(`${name}: ${String(kind?.enum?.[0])}`)}:`, explained(route, rest, always)];
    }),
  ];
}

function operationParts(path: string, method: string, operation: Operation): string[] {
  const { summary, description, security, parameters = [], requestBody, responses } = operation;
  const title = `${method.toUpperCase()} ${path}`;
  if (!summary) throw new Error(`${title}: say with schema.summary what it does`);
  const said = [`${summary}.`, description, security ? "With a service token." : "Without a service token."];
  const fields = parameters.map(
    ({ name, schema, required = false, description: meaning }): Field => ({
      path: name,
      required,
      schema: meaning === undefined ? schema : { ...schema, description: meaning },
    }),
  );
  const asked = schemaOf(requestBody);
  const bySchema = new Map<string, { readonly schema: JsonSchema; readonly status: string[] }>();
  for (const [status, body] of Object.entries(responses)) {
    const schema = schemaOf(body);
    if (!schema?.properties) continue;
    const known = bySchema.get(JSON.stringify(schema));
    if (known) known.status.push(status);
    else bySchema.set(JSON.stringify(schema), { schema, status: [status] });
  }
  const answers = [...bySchema.values()].flatMap(({ schema, status }) =>
    bodyParts(title, `Answer (${status.join(", ")}):`, schema, "always"),
  );
  return [
    `### ${title}`,
    `${said.filter(Boolean).join(" ")}${answers.length === 0 ? ` Answer: ${Object.keys(responses).join(", ")}.` : ""}`,
    ...(fields.length > 0 ? ["In path and query:", explained(title, fields)] : []),
    ...(asked ? bodyParts(title, "Body:", asked, "required") : []),
    ...answers,
  ];
}

const parts = (paths: Paths): string[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => operationParts(path, method, operation)),
  );

export async function httpPage(): Promise<Page> {
  const callers = new Callers("", silentLog());
  const never = () => {
    throw new Error("no handler runs here");
  };
  const allocator = await pathsOf((server) =>
    addRoutes(server, {
      callers,
      ratePerCaller: 1,
      ratePerAddress: 1,
    } as Partial<RouteOptions> as RouteOptions),
  );
  const pod = await pathsOf((server) => {
    addStatusRoute(server, never);
    addTransactionRoutes(server, never, callers);
    addReceiptRoutes(server, never, callers);
  });
  const text = pageText("HTTP", "the routes", [
    "Bodies are JSON. A service token is shown as `Authorization: Bearer TOKEN`. Whatever goes wrong is answered with " +
      "`application/problem+json` (RFC 9457): `type`, `title`, `status`, `code`, `detail`, where it helps `fields` " +
      "(what is wrong where), and `requestId`, which is in the log too. Decide by `code`: [errors](errors.md). With " +
      "`Retry-After`, wait so many seconds.",
    "Each process answers also `/healthz`, `/readyz` (200 `ok`, or 503 and why), `/metrics` ([metrics](metrics.md)) and " +
      "`/openapi.json`, which says the same as this page.",
    "## Allocator",
    ...parts(allocator),
    "## Game server",
    "On the admin port. The API for back ends is there with GAMEFLEET_SERVICE_TOKENS_DIR, receipts with " +
      "GAMEFLEET_RECEIPTS_FILE ([configuration](configuration.md)). What it promises: " +
      "[transactions](../transactions.md).",
    ...parts(pod),
  ]);
  return { file: "http.md", about: "every route of allocator and game server: bodies and answers", text };
}
