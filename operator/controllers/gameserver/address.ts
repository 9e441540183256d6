/** Where players reach a node. */
import { labels } from "../../api/kinds.ts";
import type { Node, Pod } from "./core.ts";

/**
 * The address told to players, first that exists: what the platform team wrote on the node (NAT, a local cluster),
 * the node's ExternalIP, its InternalIP, and, while the node is not known, what the pod says of its host.
 */
export function playerAddress(node: Node | undefined, pod: Pod): string | undefined {
  const given = node?.metadata.annotations?.[labels.playerAddress];
  if (given) return given;
  const addresses = node?.status?.addresses ?? [];
  const byType = (type: string) => addresses.find((entry) => entry.type === type)?.address;
  return byType("ExternalIP") ?? byType("InternalIP") ?? pod.status?.hostIP;
}
