import { KubeConfig } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { hasCode } from "../../platform/errors.ts";
import { credentialsFrom } from "./credentials.ts";

interface Parts {
  readonly cluster?: object;
  readonly user?: object;
  readonly context?: string;
}

function configOf({ cluster = {}, user = {}, context = "c" }: Parts): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: "k", server: "https://api.test:6443", ...cluster }],
    users: [{ name: "u", ...user }],
    contexts: [{ name: "c", cluster: "k", user: "u" }],
    currentContext: context,
  });
  return config;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

test("a bearer token becomes a header, without the newline a file may end in", async () => {
  const credentials = await credentialsFrom(configOf({ user: { token: "secret\n" } }))();
  expect(credentials.headers).toEqual({ authorization: "Bearer secret" });
  expect(credentials.origin).toBe("https://api.test:6443");
});

test("client certificates, CA and server name become TLS material", async () => {
  const cluster = { caData: base64("CA"), tlsServerName: "kubernetes" };
  const user = { certData: base64("CERT"), keyData: base64("KEY") };
  const { tls } = await credentialsFrom(configOf({ cluster, user }))();
  expect(tls).toEqual({ ca: "CA", cert: "CERT", key: "KEY", servername: "kubernetes" });
});

test("verification is switched off only when the kubeconfig says so", async () => {
  expect((await credentialsFrom(configOf({}))()).tls).toEqual({});
  const { tls } = await credentialsFrom(configOf({ cluster: { skipTLSVerify: true } }))();
  expect(tls).toEqual({ rejectUnauthorized: false });
});

test("user and password become basic authentication", async () => {
  const { headers } = await credentialsFrom(configOf({ user: { username: "me", password: "pw" } }))();
  expect(headers).toEqual({ authorization: `Basic ${base64("me:pw")}` });
});

test("a server behind a path keeps its path", async () => {
  const cluster = { server: "https://rancher.test/k8s/clusters/one/" };
  expect(await credentialsFrom(configOf({ cluster }))()).toMatchObject({
    origin: "https://rancher.test",
    basePath: "/k8s/clusters/one",
  });
});

test("what cannot work is refused at start, by name", () => {
  const mistakes = [configOf({ context: "absent" }), configOf({ cluster: { proxyUrl: "socks5://x:1" } })];
  const codes = mistakes.map((config) => {
    try {
      credentialsFrom(config);
      return false;
    } catch (error) {
      return hasCode(error, "CONFIG_INVALID");
    }
  });
  expect(codes).toEqual([true, true]);
});
