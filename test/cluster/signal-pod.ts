/**
 * Signals to the processes of a pod, from its node: inside the container the program is process 1, which the kernel
 * protects from signals of its own namespace. A node of kind is a container with the node's name.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface PodOnNode {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName: string };
}

/** Sends `signal` to all processes of the pod whose command line holds `program`. Throws when there is none. */
export async function signalPod(
  { metadata, spec }: PodOnNode,
  program: string,
  signal: "KILL" | "STOP" | "CONT",
): Promise<void> {
  const script = `for p in $(grep -ls ${metadata.uid} /proc/[0-9]*/cgroup | cut -d/ -f3); do
    if tr '\\0' ' ' </proc/$p/cmdline | grep -q '${program}'; then kill -${signal} $p && echo $p; fi; done`;
  const { stdout } = await run("docker", ["exec", spec.nodeName, "bash", "-c", script]);
  if (stdout.trim() === "") throw new Error(`no process of ${program} found in ${metadata.name}`);
}
