/** Names of metrics: those that the chart asks for, and those that running pods give. */
import { getJson, kubectl } from "./kubectl.ts";

/** Ends that Prometheus adds to a histogram's name. */
const SERIES = /_(?:bucket|sum|count)$/;
const OURS = /\b(?:gamefleet|controller_runtime|workqueue|leader_election)_[a-z_]+\b/g;

/** Metrics that expressions in `text` name, sorted. */
export function metricsAskedFor(text: string): string[] {
  const expressions = text.match(/"?expr"?: .*(?:\n {12,}.*)*/g) ?? [];
  const names = expressions.flatMap((one) => one.match(OURS) ?? []);
  return [...new Set(names.map((name) => name.replace(SERIES, "")))].sort();
}

/** Metrics that the pods of a namespace with this label give at `port`. */
export async function metricsOf(namespace: string, label: string, port: string): Promise<Set<string>> {
  const pods = await getJson<{ items: { metadata: { name: string } }[] }>([
    "get",
    "pods",
    "-n",
    namespace,
    "-l",
    label,
    "--field-selector=status.phase=Running",
  ]);
  const names = new Set<string>();
  for (const { metadata } of pods.items) {
    const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}:${port}/proxy/metrics`;
    const text = await kubectl(["get", "--raw", path]);
    for (const [, name = ""] of text.matchAll(/^# TYPE (\S+) /gm)) names.add(name);
  }
  return names;
}
