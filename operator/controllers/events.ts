/** How controllers speak to people: Kubernetes events. Never fails, never waits. */
import type { KubeObject } from "../api/objects.ts";

export type Tell = (about: KubeObject, type: "Normal" | "Warning", reason: string, message: string) => void;
