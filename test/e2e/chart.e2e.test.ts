/** The chart, rendered as users would and judged by a real API server's dry run. */
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { CHART, helm, template } from "./helm.ts";
import { tryKubectl } from "./kubectl.ts";

interface Manifest {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly rules?: readonly {
    readonly apiGroups: string[];
    readonly resources: string[];
    readonly verbs: string[];
  }[];
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: { readonly spec: PodSpec };
  };
}
interface PodSpec {
  readonly securityContext: Record<string, unknown>;
  readonly containers: readonly {
    readonly securityContext: Record<string, unknown>;
    readonly resources: object;
  }[];
}

const URLS = ["stores.redisUrl=redis://redis:6379", "stores.databaseUrl=postgres://u:p@pg/db"];
const TRIAL = ["trialStores.enabled=true"];

async function render(values: readonly string[]): Promise<Manifest[]> {
  const { out, error } = await template(values);
  expect(error).toBe("");
  return parseAllDocuments(out)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

it("passes helm lint", async () => {
  const { error } = await helm(["lint", CHART, "--strict", "--set", TRIAL[0] ?? ""]);
  expect(error).toBe("");
});

it.each([
  ["trial stores", TRIAL],
  ["own stores", URLS],
  ["one namespace", [...URLS, "watchNamespace=default", "networkPolicy.enabled=true"]],
])("is accepted by the API server: %s", async (_name, values) => {
  // In a namespace without an installation: selectors of what is there could not change.
  const { out } = await template(values, "default");
  const outcome = await tryKubectl(["apply", "--dry-run=server", "-f", "-"], out);
  expect(outcome.ok, outcome.error).toBe(true);
});

describe("refuses values that make no sense, and says what to set", () => {
  it.each([
    ["no stores", [], "must name existingSecret, or both redisUrl and databaseUrl"],
    ["two kinds of stores", [...TRIAL, ...URLS], "must not be set together"],
    ["no operator", [...TRIAL, "operator.replicas=0"], "minimum: got 0, want 1"],
    ["a misspelt value", [...TRIAL, "operator.replicass=2"], "replicass"],
    ["a URL of another store", ["stores.redisUrl=http://x", "stores.databaseUrl=postgres://x"], "redisUrl"],
  ])("%s", async (_name, values, words) => {
    expect((await template(values)).error).toContain(words);
  });
});

it("asks for exact rights: no wildcard, no secrets, leases only in its own namespace", async () => {
  for (const { kind, metadata, rules = [] } of await render(URLS)) {
    for (const { apiGroups, resources, verbs } of rules) {
      expect([...apiGroups, ...resources, ...verbs]).not.toContain("*");
      expect(resources).not.toContain("secrets");
      if (resources.includes("leases")) expect(`${kind} ${metadata.namespace}`).toBe("Role gamefleet-system");
    }
  }
});

it("runs every pod as the restricted profile demands, with limits", async () => {
  const pods = (await render(TRIAL)).flatMap((manifest) => manifest.spec?.template?.spec ?? []);
  expect(pods).toHaveLength(4);
  for (const { securityContext, containers } of pods) {
    expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    for (const container of containers) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(container.resources).toMatchObject({ requests: {}, limits: {} });
    }
  }
});

it("gives every fleet namespace the stores' URLs, and nobody else", async () => {
  const manifests = await render([...URLS, "fleetNamespaces={eu,us}"]);
  const secrets = manifests.filter(
    (manifest) => manifest.kind === "Secret" && manifest.metadata.name === "gamefleet-stores",
  );
  const namespaces = new Set(secrets.map((secret) => secret.metadata.namespace));
  expect(namespaces).toEqual(new Set(["eu", "gamefleet-system", "us"]));
  for (const secret of secrets) expect(secret.stringData?.GAMEFLEET_REDIS_URL).toBe("redis://redis:6379");
});

it("brings monitors, alerts and a dashboard when they are wanted", async () => {
  const wanted = ["serviceMonitor", "podMonitor", "prometheusRule", "dashboard"];
  const manifests = await render([...URLS, ...wanted.map((one) => `monitoring.${one}.enabled=true`)]);
  const kinds = manifests.map((manifest) => manifest.kind);
  expect(kinds).toEqual(expect.arrayContaining(["ServiceMonitor", "PodMonitor", "PrometheusRule"]));
  const dashboard = manifests.find((manifest) => manifest.metadata.name === "gamefleet-dashboard");
  expect(dashboard?.metadata.labels).toMatchObject({ grafana_dashboard: "1" });
  const { panels } = JSON.parse(dashboard?.data?.["gamefleet.json"] ?? "") as { panels: { id: number }[] };
  expect(new Set(panels.map((panel) => panel.id)).size).toBe(panels.length);
  expect((await render(URLS)).map((manifest) => manifest.kind)).not.toContain("PodMonitor");
});

it("protects two replicas from being drained together, and does not block a drain of one", async () => {
  const budgets = async (values: readonly string[]) =>
    (await render(values)).filter((manifest) => manifest.kind === "PodDisruptionBudget").length;
  expect(await budgets(URLS)).toBe(2);
  expect(await budgets([...URLS, "operator.replicas=1", "allocator.replicas=1"])).toBe(0);
});
