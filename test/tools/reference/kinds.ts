/** docs/reference/kinds.md, from operator/api: the same source as the CRDs. */
import { crdOf, openApi } from "../../../operator/api/crd.ts";
import { fleetKind } from "../../../operator/api/fleet.ts";
import { gameServerKind } from "../../../operator/api/gameserver.ts";
import { API_VERSION, Condition, type KindDefinition } from "../../../operator/api/schema.ts";
import { sessionMigrationKind } from "../../../operator/api/session-migration.ts";
import { TemplateSpec, templateFields, templateRules } from "../../../operator/api/template.ts";
import { code, type Page, pageText, table } from "./markdown.ts";
import { fieldsOf, fieldTable, type JsonSchema } from "./schema-words.ts";

/** Described once for all kinds, under a heading of its own. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "spec.template.spec": "[Pod template](#pod-template).",
  "status.conditions": "[Conditions](#conditions).",
};

interface Refusal {
  readonly path: string;
  readonly message: string;
}

/** What the API server refuses, with where it is said. */
function rulesOf(schema: JsonSchema, path: string): Refusal[] {
  const own = (schema["x-kubernetes-validations"] ?? []) as readonly { readonly message: string }[];
  const children = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const at = path === "" ? name : `${path}.${name}`;
    return at in ELSEWHERE ? [] : rulesOf(child, at);
  });
  const items = schema.items ? rulesOf(schema.items, `${path}[]`) : [];
  return [...own.map(({ message }) => ({ path, message })), ...children, ...items];
}

const ruleTable = (rules: readonly Refusal[], whole: string): string =>
  table(
    ["In", "Rule"],
    rules.map(({ path, message }) => [path === "" ? whole : code(path), message]),
  );

function kindParts(kind: KindDefinition): string[] {
  const { spec } = crdOf(kind) as unknown as { readonly spec: CrdSpec };
  const [version] = spec.versions;
  const { openAPIV3Schema: root } = version.schema;
  const { spec: wanted, status } = root.properties as {
    readonly spec: JsonSchema;
    readonly status: JsonSchema;
  };
  const shared = new Set(Object.keys(templateFields));
  // Fleets hold the pod template under a field of its own; GameServers spread it into their spec.
  const spread = [...shared].every((name) => wanted.properties?.[name]);
  const ofTemplate = (path: string) => spread && shared.has(path.split(/[.[]/)[1] ?? "");
  const messages = new Set<string>(spread ? templateRules.map(({ message }) => message) : []);
  const rules = rulesOf(root, "").filter(({ path, message }) => !ofTemplate(path) && !messages.has(message));
  const also = Object.keys(version.subresources).map(code).join(", ");
  return [
    `## ${kind.kind}`,
    `${kind.description} Names for kubectl: ${[kind.plural, kind.singular, ...spec.names.shortNames].map(code).join(", ")}. ` +
      `Scope: ${spec.scope}. Subresources: ${also}.`,
    `### ${kind.kind}: spec`,
    ...(spread
      ? ["Besides these, all fields of the [pod template](#pod-template), right below `spec`."]
      : []),
    fieldTable(fieldsOf(wanted, "spec", ELSEWHERE).filter(({ path }) => !ofTemplate(path))),
    `### ${kind.kind}: status`,
    fieldTable(fieldsOf(status, "status", ELSEWHERE)),
    ...(rules.length > 0 ? [`### ${kind.kind}: what is refused`, ruleTable(rules, "the object")] : []),
    `### ${kind.kind}: what kubectl get shows`,
    columnTable(version.additionalPrinterColumns),
  ];
}

interface CrdSpec {
  readonly scope: string;
  readonly names: { readonly shortNames: readonly string[] };
  readonly versions: readonly [
    {
      readonly schema: { readonly openAPIV3Schema: JsonSchema };
      readonly subresources: Readonly<Record<string, unknown>>;
      readonly additionalPrinterColumns: KindDefinition["columns"];
    },
  ];
}

function columnTable(columns: KindDefinition["columns"]): string {
  const rows = columns.map(({ name, jsonPath, description, priority }) => [
    name,
    code(jsonPath.slice(1)),
    description,
    priority === 1 ? "with `-o wide`" : "always",
  ]);
  return table(["Column", "From", "Meaning", "Shown"], rows);
}

export function kindsPage(): Page {
  const template = openApi(TemplateSpec) as JsonSchema;
  const text = pageText("Kinds", "operator/api", [
    `Group and version: ${code(API_VERSION)}. ${code("kubectl get gamefleet")} lists all kinds at once, ` +
      `${code("kubectl explain fleet.spec")} says the same as this page. The API server checks bounds and rules when an ` +
      "object is applied.",
    "`[]` stands for each item of a list. A list *by name* is merged item by item when it is applied; any other list is " +
      "one value. *As in a pod* is passed to the pod as it is. A *quantity* is one of Kubernetes: `500m`, `2`, `512Mi`.",
    ...[fleetKind, gameServerKind, sessionMigrationKind].flatMap(kindParts),
    "## Pod template",
    "How the pod of a server is made: `spec.template.spec` of a Fleet, `spec` of a GameServer.",
    fieldTable(fieldsOf(template, "")),
    ruleTable(rulesOf(template, ""), "the template"),
    "## Conditions",
    "Each kind has `status.conditions`, a list by type. What the conditions and states of each kind say: " +
      "[Running it](../operations.md#day-to-day).",
    fieldTable(fieldsOf(openApi(Condition) as JsonSchema, "")),
  ]);
  return {
    file: "kinds.md",
    about: "every field of Fleet, GameServer and SessionMigration, what is refused, and what kubectl shows",
    text,
  };
}
