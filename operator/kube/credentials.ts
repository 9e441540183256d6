/**
 * Who we are and whom we trust, from a kubeconfig or the pod's service account, through `@kubernetes/client-node`
 * (its exec, OIDC and token-file authenticators are why it is a dependency).
 *
 * `Credentials` is read again every few seconds, because all of it rotates on disk: the token hourly, client
 * certificates yearly, the cluster's CA once in a long while.
 */
import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { fail } from "../../platform/errors.ts";

export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface Credentials {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Prefix of every path, without a trailing slash; empty but behind some cluster proxies. */
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
}

export type CredentialsSource = () => Promise<Credentials>;

/** KUBECONFIG, else `~/.kube/config`, else the pod's service account. `context` picks another than the current. */
export function loadKubeConfig(context?: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  if (context !== undefined) config.setCurrentContext(context);
  return config;
}

/** Throws `CONFIG_INVALID` when the kubeconfig names no usable cluster. */
export function credentialsFrom(config: KubeConfig): CredentialsSource {
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw fail("CONFIG_INVALID", `kubeconfig: context "${config.getCurrentContext()}" names no cluster`);
  }
  if (cluster.proxyUrl !== undefined) {
    throw fail(
      "CONFIG_INVALID",
      `kubeconfig: cluster "${cluster.name}" sets proxy-url, which is not supported`,
    );
  }
  const server = new URL(cluster.server);
  const basePath = server.pathname.replace(/\/$/, "");
  return async () => {
    const options: RequestOptions & { servername?: string } = {};
    await config.applyToHTTPSOptions(options);
    return { origin: server.origin, basePath, headers: headersOf(options), tls: tlsOf(options) };
  };
}

function headersOf(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // A token file may end in a newline, which no header may hold.
    if (value !== undefined) headers[name.toLowerCase()] = String(value).trim();
  }
  if (typeof options.auth === "string") {
    headers["authorization"] = `Basic ${Buffer.from(options.auth).toString("base64")}`;
  }
  return headers;
}

function tlsOf(options: RequestOptions & { servername?: string }): TlsMaterial {
  const pem = (value: unknown): string | undefined =>
    Buffer.isBuffer(value) ? value.toString("utf8") : undefined;
  const ca = pem(options.ca);
  const cert = pem(options.cert);
  const key = pem(options.key);
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(options.servername !== undefined && { servername: options.servername }),
    ...(options.rejectUnauthorized !== undefined && { rejectUnauthorized: options.rejectUnauthorized }),
  };
}
