/** The operator's replicas in the cluster: who leads, and what happens to processes. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { eventually, getJson, kubectl } from "./kubectl.ts";

const run = promisify(execFile);
export const SYSTEM = "gamefleet-system";

interface Lease {
  readonly spec?: { readonly holderIdentity?: string };
}
interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
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

/**
 * Sends a signal to the operator's process in a pod, from the node: inside the container it is process 1, which the
 * kernel protects from signals of its own namespace.
 */
export async function signalOperator(pod: Pod, signal: "KILL" | "STOP" | "CONT"): Promise<void> {
  const node = `${process.env.GAMEFLEET_CLUSTER}-control-plane`;
  const script = `for p in $(grep -ls ${pod.metadata.uid} /proc/[0-9]*/cgroup | cut -d/ -f3); do
    if tr '\\0' ' ' </proc/$p/cmdline | grep -q 'operator/main.ts'; then kill -${signal} $p && echo $p; fi; done`;
  const { stdout } = await run("docker", ["exec", node, "bash", "-c", script]);
  if (stdout.trim() === "") throw new Error(`no operator process found in ${pod.metadata.name}`);
}

/** Ends the pod as a roll-out would: SIGTERM, time to finish. */
export async function stopGracefully(name: string): Promise<void> {
  await kubectl(["-n", SYSTEM, "delete", "pod", name, "--wait=false"]);
}
