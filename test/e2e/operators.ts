/** The operator's replicas in the cluster: who leads, and what happens to processes. */
import { type PodOnNode, signalPod } from "../cluster/signal-pod.ts";
import { eventually, getJson, kubectl } from "./kubectl.ts";

export const SYSTEM = "gamefleet-system";

interface Lease {
  readonly spec?: { readonly holderIdentity?: string };
}
interface Pod extends PodOnNode {
  readonly metadata: PodOnNode["metadata"] & { readonly deletionTimestamp?: string };
  readonly status: {
    readonly containerStatuses?: readonly { readonly restartCount: number; readonly ready: boolean }[];
  };
}

const pods = async () =>
  (
    await getJson<{ items: Pod[] }>([
      "-n",
      SYSTEM,
      "get",
      "pods",
      "-l",
      "app.kubernetes.io/component=operator",
    ])
  ).items;

/** Identity in the lease: the pod's name and a suffix of the process. Empty when the lease is free. */
export async function holder(): Promise<string> {
  const lease = await getJson<Lease>(["-n", SYSTEM, "get", "lease", "gamefleet-operator"]);
  return lease.spec?.holderIdentity ?? "";
}

export async function leaderPod(): Promise<Pod> {
  return eventually(async () => {
    const identity = await holder();
    return identity !== "" && (await pods()).find((pod) => identity.startsWith(pod.metadata.name));
  }, "an operator leads");
}

/** Waits until two replicas are there and ready: the standby has its caches filled. */
export async function bothReady(): Promise<void> {
  await eventually(async () => {
    const all = await pods();
    return (
      all.length === 2 &&
      all.every((pod) => pod.status.containerStatuses?.[0]?.ready && !pod.metadata.deletionTimestamp)
    );
  }, "two operators are ready");
  await leaderPod();
}

export async function restartsOf(name: string): Promise<number> {
  return (
    (await pods()).find((pod) => pod.metadata.name === name)?.status.containerStatuses?.[0]?.restartCount ?? 0
  );
}

export const signalOperator = (pod: Pod, signal: "KILL" | "STOP" | "CONT"): Promise<void> =>
  signalPod(pod, "operator/main.ts", signal);

/** Ends the pod as a roll-out would: SIGTERM, time to finish. */
export async function stopGracefully(name: string): Promise<void> {
  await kubectl(["-n", SYSTEM, "delete", "pod", name, "--wait=false"]);
}
