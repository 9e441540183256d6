/** The admin listener: probes, metrics, and what the pod is doing. Reached by kubelet, Prometheus and people. */
import { z } from "zod";
import { createHttpServer, type HttpOptions, type TypedServer } from "../../platform/http.ts";
import { LoadSample } from "../../protocol/directory.ts";

export const PodStatus = z.object({
  server: z.string().describe("Server, as namespace/name."),
  fleet: z.string().describe("Fleet, as namespace/name."),
  life: z.string().describe("Which life of the server this is: the pod's uid."),
  game: z
    .object({
      name: z.string().describe("Name in its declaration."),
      version: z.number().describe("Version of its declaration."),
    })
    .describe("The game that runs."),
  playerPort: z.number().describe("Port inside the pod that players connect to."),
  notReady: z.string().nullable().describe("Why nobody new may come, or null."),
  uptimeSeconds: z.number().describe("Seconds since the process started."),
  connections: z.number().describe("Open player connections."),
  load: LoadSample.describe("The last sample, as it goes into Redis each second."),
});
export type PodStatus = z.infer<typeof PodStatus>;

export interface AdminOptions extends HttpOptions {
  readonly host: string;
  readonly port: number;
  readonly status: () => PodStatus;
  /** More routes, added before the server listens. */
  readonly routes?: ((server: TypedServer) => void) | undefined;
}

export interface Admin {
  readonly server: TypedServer;
  readonly port: number;
}

export function addStatusRoute(server: TypedServer, status: () => PodStatus): void {
  const schema = { summary: "What the server is doing", response: { 200: PodStatus } };
  server.get("/v1/status", { schema }, status);
}

export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const server = await createHttpServer(options);
  addStatusRoute(server, options.status);
  options.routes?.(server);
  await server.listen({ host: options.host, port: options.port });
  const address = server.server.address();
  return { server, port: typeof address === "object" && address ? address.port : options.port };
}
