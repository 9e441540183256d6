/** A JSON schema in words: which fields there are, of what type, and within which bounds. */
import { code, table } from "./markdown.ts";

export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly [extension: `x-${string}`]: unknown;
}

/** `1–5`, `at least 1`, `at most 5`, or nothing. */
function range(least: number | undefined, most: number | undefined): string {
  const max = most === Number.MAX_SAFE_INTEGER ? undefined : most;
  const min = least === Number.MIN_SAFE_INTEGER ? undefined : least;
  if (max === undefined) return min === undefined ? "" : `at least ${min}`;
  return min === undefined ? `at most ${max}` : `${min}–${max}`;
}

const counted = (what: string, least: number | undefined, most: number | undefined): string => {
  if (least === 1 && most === undefined) return "not empty";
  const words = range(least, most);
  return words === "" ? "" : `${words} ${what}`;
};

/** What a value may be, besides its type. */
export function boundsOf(schema: JsonSchema): string {
  if (schema["x-kubernetes-int-or-string"] || schema.format === "uuid" || schema.format === "date-time")
    return "";
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(", ");
  const own = [
    range(schema.minimum, schema.maximum),
    counted("characters", schema.minLength, schema.maxLength),
    counted("items", schema.minItems, schema.maxItems),
    counted("entries", undefined, schema.maxProperties),
    schema.pattern === undefined ? "" : code(schema.pattern),
  ];
  const map = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  const inner = schema.items ?? map;
  const each = inner && !inner.properties ? boundsOf(inner) : "";
  return [...own, each === "" ? "" : `each: ${each}`].filter((words) => words !== "").join("; ");
}

/** Of what type a value is, for people. */
export function typeOf(schema: JsonSchema): string {
  if (schema["x-kubernetes-int-or-string"]) {
    return schema.pattern?.includes("%") ? "number or per cent" : "quantity";
  }
  if (schema["x-kubernetes-preserve-unknown-fields"]) return "object, as in a pod";
  if (schema.format === "date-time") return "time";
  if (schema.format === "uuid") return "UUID";
  if (schema.format === "uri") return "URL";
  if (schema.type === "string") return "text";
  if (schema.items) {
    const [key] = (schema["x-kubernetes-list-map-keys"] ?? []) as readonly string[];
    const items = typeOf(schema.items).replace(/^object/, "objects");
    return `list of ${items}${key === undefined ? "" : `, by ${key}`}`;
  }
  if (typeof schema.additionalProperties === "object") return `map of ${typeOf(schema.additionalProperties)}`;
  return schema.type ?? "";
}

export interface Field {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
  /** Where what is inside is described. */
  readonly see?: string | undefined;
}

/** All fields below a node, parents first. `elsewhere` says by path what is described at another place. */
export function fieldsOf(
  schema: JsonSchema,
  path: string,
  elsewhere: Readonly<Record<string, string>> = {},
): Field[] {
  if (schema.items) return fieldsOf(schema.items, `${path}[]`, elsewhere);
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const own = path === "" ? name : `${path}.${name}`;
    const see = elsewhere[own];
    const field = { path: own, schema: child, required: schema.required?.includes(name) ?? false, see };
    return see === undefined ? [field, ...fieldsOf(child, own, elsewhere)] : [field];
  });
}

/** A default as one would write it. */
export const shown = (value: unknown): string =>
  typeof value === "string" && value !== "" ? value : JSON.stringify(value);

/** `always` is the word for fields that are never left out. */
export function fieldTable(fields: readonly Field[], always = "required"): string {
  const rows = fields.map(({ path, schema, required, see }) => {
    const isValue = schema.default !== undefined && typeof schema.default !== "object";
    const fallback = isValue ? code(shown(schema.default)) : required ? always : "";
    const meaning = [schema.description ?? "", see ?? ""].join(" ").trim();
    return [code(path), typeOf(schema), fallback, boundsOf(schema), meaning];
  });
  return table(["Field", "Type", always === "required" ? "Default" : "There", "Bounds", "Meaning"], rows);
}
