/**
 * From a kind to its CustomResourceDefinition: a structural schema as the API server wants it.
 *
 * zod's JSON Schema comes close; what a CRD may not hold is translated (`anyOf` of int-or-string, formats that it
 * does not know) and what it must hold is checked (`checkStructural`): every string, list, map and number bounded,
 * every field explained, so that `kubectl explain` answers.
 */
import { z } from "zod";
import { fail } from "../../platform/errors.ts";
import { API_VERSION, GROUP, type KindDefinition, VERSION } from "./schema.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export interface Schema {
  [key: string]: Json;
}

const isObject = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Keys whose value is a map of names to schemas, not a schema. */
const MAPS = new Set(["properties"]);

function translate(node: Json): Json {
  if (Array.isArray(node)) return node.map(translate);
  if (!isObject(node)) return node;
  const out: Schema = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === "$schema" || key === "id" || key === "propertyNames") continue;
    if (MAPS.has(key) && isObject(value)) {
      out[key] = Object.fromEntries(Object.entries(value).map(([name, child]) => [name, translate(child)]));
    } else if (key === "default" || key === "enum" || key.startsWith("x-kubernetes-validations")) {
      out[key] = value;
    } else {
      out[key] = translate(value);
    }
  }
  if (out["x-kubernetes-int-or-string"]) {
    delete out.type;
    out.anyOf = [{ type: "integer" }, { type: "string" }];
    delete out.oneOf;
    out.maxLength = 32;
  }
  if (out["x-kubernetes-preserve-unknown-fields"]) {
    delete out.additionalProperties;
    delete out.properties;
    delete out.required;
  }
  if (out.additionalProperties === false) delete out.additionalProperties;
  // zod states the safe-integer range where none was given; it says nothing and costs bytes.
  if (out.minimum === Number.MIN_SAFE_INTEGER) delete out.minimum;
  return out;
}

/**
 * Completes `default: {}` with the defaults of its members: the API server checks a default against the rules as it
 * stands, before it fills in those of the members.
 */
function completeDefaults(node: Schema): Schema {
  const properties = Object.entries((node.properties as Schema | undefined) ?? {}).map(
    ([name, child]) => [name, completeDefaults(child as Schema)] as const,
  );
  const out: Schema = properties.length > 0 ? { ...node, properties: Object.fromEntries(properties) } : node;
  if (!isObject(node.default)) return out;
  const members = properties
    .filter(([, child]) => "default" in child)
    .map(([name, child]) => [name, child.default]);
  return { ...out, default: { ...Object.fromEntries(members), ...node.default } };
}

/** The OpenAPI schema of one zod schema, as a CRD takes it. */
export function openApi(schema: z.ZodType): Schema {
  return completeDefaults(
    translate(z.toJSONSchema(schema, { target: "openapi-3.0", io: "input" }) as Json) as Schema,
  );
}

/** Throws TERMINAL naming the first path that a CRD could not hold, or that nobody explained. */
export function checkStructural(node: Schema, path: string): void {
  const bad = (why: string) => fail("TERMINAL", `${path}: ${why}`);
  for (const key of ["$ref", "const", "patternProperties", "uniqueItems", "oneOf", "not", "nullable"]) {
    if (key in node) throw bad(`${key} is not structural`);
  }
  if (node["x-kubernetes-int-or-string"]) return;
  if (typeof node.type !== "string") throw bad("has no type");
  if (node.type === "string" && !("maxLength" in node) && !("enum" in node))
    throw bad("string without maxLength");
  if (node.type === "array") {
    if (!("maxItems" in node)) throw bad("list without maxItems");
    if (!("x-kubernetes-list-type" in node)) throw bad("list without x-kubernetes-list-type");
    checkStructural(node.items as Schema, `${path}[]`);
  }
  if ((node.type === "integer" || node.type === "number") && !("minimum" in node && "maximum" in node))
    throw bad(`${node.type} without minimum and maximum`);
  if (isObject(node.additionalProperties)) {
    if (!("maxProperties" in node)) throw bad("map without maxProperties");
    checkStructural(node.additionalProperties, `${path}{}`);
  }
  for (const [name, child] of Object.entries((node.properties as Schema | undefined) ?? {})) {
    if (typeof (child as Schema).description !== "string") {
      throw fail("TERMINAL", `${path}.${name}: has no description; say with .describe() what it is for`);
    }
    checkStructural(child as Schema, `${path}.${name}`);
  }
}

/** The whole CustomResourceDefinition, ready to be written as YAML. */
export function crdOf(kind: KindDefinition): Schema {
  const spec = openApi(kind.spec);
  const status = openApi(kind.status);
  checkStructural(spec, ".spec");
  checkStructural(status, ".status");
  const root: Schema = {
    type: "object",
    description: kind.description,
    required: ["spec"],
    properties: {
      apiVersion: { type: "string", description: `Version of this shape: ${API_VERSION}.` },
      kind: { type: "string", description: `Always ${kind.kind}.` },
      // The API server fills this in itself, and refuses a description here.
      metadata: { type: "object" },
      spec: { ...spec, description: `What is wanted of the ${kind.kind}.` },
      status: {
        ...status,
        description: `What is so, written by the operator.`,
        ...(kind.statusDefault ? { default: kind.statusDefault as Schema } : {}),
      },
    },
    ...(kind.rules ? { "x-kubernetes-validations": kind.rules.map((rule) => ({ ...rule })) } : {}),
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${kind.plural}.${GROUP}`,
      labels: { "app.kubernetes.io/name": "gamefleet", "app.kubernetes.io/part-of": "gamefleet" },
    },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        shortNames: [kind.shortName],
        categories: ["gamefleet"],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: root },
          subresources: {
            status: {},
            ...(kind.scale
              ? {
                  scale: {
                    specReplicasPath: kind.scale.spec,
                    statusReplicasPath: kind.scale.status,
                    labelSelectorPath: kind.scale.selector,
                  },
                }
              : {}),
          },
          additionalPrinterColumns: kind.columns.map((column) => ({ ...column })),
        },
      ],
    },
  };
}
