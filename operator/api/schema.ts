/**
 * Building blocks for kinds: zod schemas that translate into structural OpenAPI for a CRD.
 *
 * Every string, list and map here is bounded: an unbounded one makes CEL rules too costly for the API server and
 * an object too large for etcd. Extension keys (`x-kubernetes-*`) ride in zod's metadata.
 */
import { z } from "zod";

export const GROUP = "gamefleet.dev";
export const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;

/** A rule in the Common Expression Language, checked by the API server. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  /** Child that the message is about, such as `.maxReplicas`. */
  readonly fieldPath?: string;
}

/** Attaches CEL rules to a schema. */
export const rules = <S extends z.ZodType>(schema: S, ...list: Rule[]): S =>
  schema.meta({ ...schema.meta(), "x-kubernetes-validations": list }) as S;

export const int32 = (min: number, max: number) => z.int().min(min).max(max).meta({ format: "int32" });
export const int64 = (min = 0) => z.int().min(min).max(Number.MAX_SAFE_INTEGER).meta({ format: "int64" });
export const text = (max: number) => z.string().max(max);

/** An RFC 1123 label: what names of containers, ports and zones must be. */
export const label = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);

export const time = z.string().max(64).meta({ format: "date-time" });

export const list = <S extends z.ZodType>(item: S, max: number) =>
  z.array(item).max(max).meta({ "x-kubernetes-list-type": "atomic" });

/** A list whose items are told apart by `key`: appliers own items, not the whole list. */
export const listMap = <S extends z.ZodType>(item: S, key: string, max: number) =>
  z
    .array(item)
    .max(max)
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key] });

export const stringMap = (max: number, value: z.ZodString = text(1024)) =>
  z.record(z.string(), value).meta({ maxProperties: max });

/**
 * A piece of core Kubernetes (a probe, a volume) that is passed to the pod as it is. Its schema is not repeated
 * here, since that alone would blow a CRD past what `kubectl apply` can carry; the API server checks it when the
 * pod is made, and its verdict becomes a condition.
 */
export const opaque = () =>
  z.looseObject({}).meta({ "x-kubernetes-preserve-unknown-fields": true, maxProperties: 64 });

const QUANTITY = /^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?[0-9]+))?$/;

/** `500m`, `2`, `512Mi`: a Kubernetes quantity. */
export const quantity = z
  .union([z.int(), z.string().max(32).regex(QUANTITY)])
  .meta({ "x-kubernetes-int-or-string": true, pattern: QUANTITY.source });

/** An absolute number or a percentage of the replicas: `1`, `25%`. */
export const intOrPercent = z
  .union([
    z.int().min(0).max(10_000),
    z
      .string()
      .max(4)
      .regex(/^(100|[1-9]?[0-9])%$/),
  ])
  .meta({ "x-kubernetes-int-or-string": true, pattern: "^((100|[1-9]?[0-9])%|[0-9]+)$" });

export const Condition = z.object({
  type: z.string().min(1).max(316).describe("What the condition is about, in CamelCase."),
  status: z.enum(["True", "False", "Unknown"]).describe("Whether it is so."),
  observedGeneration: int64().optional().describe("Generation of the spec that was judged."),
  lastTransitionTime: time.describe("When the status last changed."),
  reason: z.string().min(1).max(1024).describe("One CamelCase word: why."),
  message: text(32_768).describe("For people: what is so, and what to do."),
});
export type Condition = z.infer<typeof Condition>;

export const conditions = listMap(Condition, "type", 16).optional().describe("What is true of it, and why.");
export const observedGeneration = int64()
  .optional()
  .describe("Generation of the spec that this status speaks of.");

export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly description: string;
  /** 1 = only with `-o wide`. */
  readonly priority?: 1;
}

/** A kind: the one source of its CRD, its types and its validation. */
export interface KindDefinition {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  /** Rules over the whole object (its name, say). */
  readonly rules?: readonly Rule[];
  /** What `kubectl get` shows of an object nobody has written a status for. */
  readonly statusDefault?: Readonly<Record<string, unknown>>;
  readonly columns: readonly PrinterColumn[];
  readonly scale?: { readonly spec: string; readonly status: string; readonly selector: string };
}

export const AGE: PrinterColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Time since it was made.",
};
