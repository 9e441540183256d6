/** The parts of core Kubernetes objects that the game server controller reads and writes. */
import type { Condition, KubeObject } from "../../api/objects.ts";

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: object;
  readonly terminated?: { readonly exitCode: number; readonly reason?: string; readonly message?: string };
}

export interface Pod extends KubeObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly {
      readonly name: string;
      readonly ports?: readonly {
        readonly name?: string;
        readonly hostPort?: number;
        readonly protocol?: string;
      }[];
    }[];
  };
  readonly status?: {
    readonly phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
    readonly reason?: string;
    readonly message?: string;
    readonly hostIP?: string;
    readonly podIP?: string;
    readonly conditions?: readonly Partial<Condition>[];
    readonly containerStatuses?: readonly { readonly name: string; readonly state?: ContainerState }[];
  };
}

export interface Node extends KubeObject {
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly conditions?: readonly Partial<Condition>[];
  };
}

export const podIsReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;

/** A node that has not reported is `Unknown`, one whose kubelet is sick `False`: on both, nothing new may start. */
export const nodeIsReachable = (node: Node | undefined): boolean =>
  node === undefined ||
  (node.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? true);
