/**
 * Objects, versions and their history, as an API server keeps them: just enough to list, watch and update with
 * optimistic concurrency. It knows no schema and no defaults: what the real server decides is tested on one.
 */
import { type Key, type KubeObject, keyOf } from "../../api/objects.ts";

export interface LogEntry {
  readonly version: number;
  readonly plural: string;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
}

export class FakeCluster {
  #version = 100;
  #uid = 0;
  #compacted = 0;
  readonly #objects = new Map<string, Map<Key, KubeObject>>();
  readonly #listeners = new Set<() => void>();
  #log: LogEntry[] = [];

  get version(): number {
    return this.#version;
  }

  get(plural: string, key: Key): KubeObject | undefined {
    return this.#objects.get(plural)?.get(key);
  }

  list(plural: string): readonly KubeObject[] {
    return [...(this.#objects.get(plural)?.values() ?? [])];
  }

  /** Creates or overwrites; returns what is stored. */
  put(plural: string, object: KubeObject): KubeObject {
    const key = keyOf(object);
    const before = this.get(plural, key);
    this.#version += 1;
    const uid = before?.metadata.uid ?? `uid-${++this.#uid}`;
    const stored = {
      ...object,
      metadata: { ...object.metadata, uid, resourceVersion: String(this.#version) },
    };
    const kept = this.#objects.get(plural) ?? new Map<Key, KubeObject>();
    this.#objects.set(plural, kept.set(key, stored));
    this.#append({ version: this.#version, plural, type: before ? "MODIFIED" : "ADDED", object: stored });
    return stored;
  }

  remove(plural: string, key: Key): KubeObject | undefined {
    const before = this.get(plural, key);
    if (before === undefined) return undefined;
    this.#version += 1;
    this.#objects.get(plural)?.delete(key);
    const last = { ...before, metadata: { ...before.metadata, resourceVersion: String(this.#version) } };
    this.#append({ version: this.#version, plural, type: "DELETED", object: last });
    return last;
  }

  /** Changes after `version`, or undefined when history does not reach back that far (410). */
  since(plural: string, version: number): readonly LogEntry[] | undefined {
    if (version < this.#compacted) return undefined;
    return this.#log.filter((entry) => entry.version > version && entry.plural === plural);
  }

  /** Forgets history: every watch that is behind must relist. */
  compact(): void {
    this.#compacted = this.#version;
    this.#log = [];
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #append(entry: LogEntry): void {
    this.#log.push(entry);
    this.#listeners.forEach((listener) => listener());
  }
}
