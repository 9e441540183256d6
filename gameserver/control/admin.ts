/** The admin listener: probes, metrics, and what the pod is doing. Reached by kubelet, Prometheus and people. */
import { z } from "zod";
import { createHttpServer, type HttpOptions, type TypedServer } from "../../platform/http.ts";
import { LoadSample } from "../../protocol/directory.ts";

export const PodStatus = z.object({
  server: z.string(),
  fleet: z.string(),
  life: z.string(),
  game: z.object({ name: z.string(), version: z.number() }),
  playerPort: z.number(),
  /** Why nobody new may come, or null. */
  notReady: z.string().nullable(),
  uptimeSeconds: z.number(),
  connections: z.number(),
  load: LoadSample,
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
