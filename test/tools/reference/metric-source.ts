/**
 * Reads from the source which metrics a module makes, and which modules it imports.
 *
 * A metric is a call of `counter`, `gauge` or `histogram` of platform/metrics.ts. Name, help and labels must stand there,
 * or be constants of the same file; whatever else is found is refused with file and line, so that nothing is left out.
 */
import { dirname, join, normalize } from "node:path";
import { parseSync } from "oxc-parser";

const METRICS = "platform/metrics.ts";
const MAKERS = ["counter", "gauge", "histogram"] as const;
type MetricType = (typeof MAKERS)[number];

export interface Metric {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
  /** `file:line` of the call. */
  readonly at: string;
}

export interface Module {
  readonly metrics: readonly Metric[];
  /** Files it imports values from, as paths from the root of the repository. */
  readonly imports: readonly string[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string";

/** Calls `visit` for each node below `node`, with its parent and the parent's key that holds it. */
function walk(node: Node, visit: (node: Node, parent: Node, key: string) => void): void {
  for (const [key, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (!isNode(child)) continue;
      visit(child, node, key);
      walk(child, visit);
    }
  }
}

/** What names stand for in one file, and how to refuse what cannot be read there. */
interface Scope {
  readonly constants: ReadonlyMap<string, Node | undefined>;
  refuse(node: Node, why: string): Error;
}

export function readModule(file: string, source: string): Module {
  const lineOf = (offset: number) => source.slice(0, offset).split("\n").length;
  const refuse = (node: Node, why: string) => new Error(`${file}:${lineOf(node.start)}: ${why}`);
  const { program, module, errors } = parseSync(file, source);
  const [broken] = errors;
  if (broken) throw new Error(`${file}: ${broken.message}`);
  const root = program as unknown as Node;
  const constants = constantsOf(root);
  const makers = file === METRICS ? new Map<string, MetricType>() : makersOf(root, file, refuse);
  const metrics: Metric[] = [];
  walk(root, (node, parent, key) => {
    const type = node.type === "Identifier" ? makers.get(node.name as string) : undefined;
    if (type === undefined || !isUse(parent, key)) return;
    if (parent.type !== "CallExpression" || key !== "callee") {
      throw refuse(node, `${String(node.name)} must be called where it is named`);
    }
    metrics.push(metricOf(parent, type, { constants, refuse }, `${file}:${lineOf(parent.start)}`));
  });
  const relative = [
    ...module.staticImports
      .filter(({ entries }) => entries.length === 0 || entries.some(({ isType }) => !isType))
      .map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, isType }) => (moduleRequest && !isType ? [moduleRequest.value] : [])),
    ),
  ].filter((specifier) => specifier.startsWith("."));
  return { metrics, imports: relative.map((specifier) => normalize(join(dirname(file), specifier))) };
}

/** Names that only look like the imported value: of types, properties, keys and of the import itself. */
function isUse(parent: Node, key: string): boolean {
  if (parent.type === "ImportSpecifier" || key === "typeName" || key === "exprName") return false;
  return (key !== "property" && key !== "key") || parent.computed === true;
}

/** Constants by name; undefined where one name is given twice. */
function constantsOf(root: Node): Map<string, Node | undefined> {
  const constants = new Map<string, Node | undefined>();
  walk(root, (node, parent) => {
    if (node.type !== "VariableDeclarator" || parent.kind !== "const" || !isNode(node.init)) return;
    const { name } = node.id as { readonly name?: string };
    if (name !== undefined) constants.set(name, constants.has(name) ? undefined : node.init);
  });
  return constants;
}

/** Local names of what makes metrics. Refuses ways round it. */
function makersOf(root: Node, file: string, refuse: Scope["refuse"]): Map<string, MetricType> {
  const makers = new Map<string, MetricType>();
  for (const node of root.body as Node[]) {
    const from = (node.source as { readonly value: string } | null | undefined)?.value;
    const ours = from !== undefined && normalize(join(dirname(file), from)) === METRICS;
    if (!(ours || from === "prom-client")) continue;
    const specifiers = (node.specifiers ?? []) as Node[];
    for (const specifier of specifiers) {
      if (node.importKind === "type" || specifier.importKind === "type") continue;
      if (node.exportKind === "type" || specifier.exportKind === "type") continue;
      if (!ours) throw refuse(specifier, `metrics are made by ${METRICS}, not by prom-client`);
      if (specifier.type !== "ImportSpecifier")
        throw refuse(specifier, `import ${METRICS} by names, and do not hand it on`);
      const { name } = specifier.imported as { readonly name: string };
      const maker = MAKERS.find((one) => one === name);
      if (maker) makers.set((specifier.local as unknown as { readonly name: string }).name, maker);
    }
    if (node.type === "ExportAllDeclaration")
      throw refuse(node, `import ${METRICS} by names, and do not hand it on`);
  }
  return makers;
}

function metricOf(call: Node, type: MetricType, scope: Scope, at: string): Metric {
  const [, name, help, labels] = call.arguments as (Node | undefined)[];
  const named = textOf(name, scope) ?? "";
  if (!/^[a-z][a-z0-9_]*$/.test(named)) {
    throw scope.refuse(
      name ?? call,
      "the name of a metric must be written out: a string, or a constant of this file",
    );
  }
  const meaning = textOf(help, scope)?.trim() ?? "";
  if (meaning === "")
    throw scope.refuse(help ?? call, `the help of ${named} must be written out, and say something`);
  return { name: named, type, help: meaning, labels: labelsOf(labels, named, scope), at };
}

/** What is behind `as const` and the names of constants. */
function plain(node: Node | undefined, { constants }: Scope): Node | undefined {
  let value = node;
  for (let depth = 0; depth < 8 && value; depth += 1) {
    if (value.type === "Identifier") value = constants.get(value.name as string);
    else if (value.type === "TSAsExpression") value = value.expression as Node;
    else return value;
  }
  return value;
}

function textOf(node: Node | undefined, scope: Scope): string | undefined {
  const value = plain(node, scope);
  return value?.type === "Literal" && typeof value.value === "string" ? value.value : undefined;
}

function labelsOf(node: Node | undefined, name: string, scope: Scope): string[] {
  if (node === undefined) return [];
  const list = plain(node, scope);
  const items = list?.type === "ArrayExpression" ? (list.elements as (Node | null)[]) : [null];
  return items.map((item) => {
    const label = textOf(item ?? undefined, scope);
    if (label === undefined)
      throw scope.refuse(node, `the labels of ${name} must be written out: a list of strings`);
    return label;
  });
}
