import { expect, it } from "vitest";
import { z } from "zod";
import { checkStructural, crdOf, openApi, type Schema } from "./crd.ts";
import { fleetKind } from "./fleet.ts";
import { gameServerKind } from "./gameserver.ts";
import { int32, intOrPercent, label, list, listMap, opaque, stringMap, text } from "./schema.ts";
import { sessionMigrationKind } from "./session-migration.ts";

const check = (schema: z.ZodType) => checkStructural(openApi(schema), ".spec");
const described = (schema: z.ZodType) => z.object({ field: schema.describe("Something.") });

it("makes what the API server wants of all kinds", () => {
  for (const kind of [fleetKind, gameServerKind, sessionMigrationKind]) {
    const crd = crdOf(kind) as { metadata: { name: string }; spec: { versions: Schema[] } };
    expect(crd.metadata.name).toBe(`${kind.plural}.gamefleet.dev`);
    expect(crd.spec.versions).toHaveLength(1);
    expect(crd.spec.versions[0]?.["subresources"]).toHaveProperty("status");
    // "must not specify anything other than name and generateName" (the API server).
    expect(crd.spec.versions[0]).toHaveProperty("schema.openAPIV3Schema.properties.metadata", {
      type: "object",
    });
  }
});

it.each([
  ["a string without maxLength", z.string(), "string without maxLength"],
  ["a list without maxItems", z.array(label), "list without maxItems"],
  ["a list whose merge is not said", z.array(label).max(3), "x-kubernetes-list-type"],
  ["a map without maxProperties", z.record(z.string(), text(3)), "map without maxProperties"],
  [
    "an integer without bounds",
    z.int().min(0).max(Number.POSITIVE_INFINITY).meta({ maximum: undefined }),
    "maximum",
  ],
  ["a number without bounds", z.number(), "number without minimum and maximum"],
  ["what may be null", text(3).nullable(), "nullable"],
])("refuses %s and names the field", (_what, schema, why) => {
  expect(() => check(described(schema))).toThrow(expect.objectContaining({ code: "TERMINAL" }));
  expect(() => check(described(schema))).toThrow(/^\.spec\.field: /);
  expect(() => check(described(schema))).toThrow(why);
});

it("refuses a field that nobody explained, however deep", () => {
  const inner = z.object({ name: label });
  expect(() => check(z.object({ items: listMap(inner, "name", 3).describe("Items.") }))).toThrow(
    ".spec.items[].name: has no description",
  );
});

it("passes numbers or percentages, opaque parts and bounded maps on as the API server knows them", () => {
  const schema = z.object({
    surge: intOrPercent.describe("How many."),
    probe: opaque().describe("As in a pod."),
    labels: stringMap(4).describe("Labels."),
    names: list(label, 2).describe("Names."),
  });
  const { properties } = openApi(schema) as { properties: Record<string, Schema> };
  expect(properties["surge"]).toMatchObject({
    "x-kubernetes-int-or-string": true,
    anyOf: [{ type: "integer" }, { type: "string" }],
  });
  expect(properties["surge"]).not.toHaveProperty("type");
  expect(properties["probe"]).toMatchObject({ type: "object", "x-kubernetes-preserve-unknown-fields": true });
  expect(properties["probe"]).not.toHaveProperty("properties");
  expect(properties["labels"]).toMatchObject({ maxProperties: 4, additionalProperties: { maxLength: 1024 } });
  expect(() => check(schema)).not.toThrow();
});

it("completes the default of an object with those of its members", () => {
  const health = z.object({
    seconds: int32(1, 9).default(3).describe("Time."),
    deep: z
      .object({ count: int32(0, 9).default(1).describe("Count.") })
      .prefault({})
      .describe("Deep."),
  });
  const schema = openApi(z.object({ health: health.prefault({}).describe("Health.") }));
  expect((schema["properties"] as Schema)["health"]).toMatchObject({
    default: { seconds: 3, deep: { count: 1 } },
  });
});
