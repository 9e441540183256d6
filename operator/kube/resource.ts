/**
 * Typed calls on one kind. Every method throws `ApiError`, `TIMEOUT`, `ABORTED`, or the guard's error.
 *
 * Objects come back as the API server wrote them, plus `apiVersion` and `kind` on list items, where the server
 * leaves them out. Names of managers for server-side apply: one stable name per writer.
 */

import type { KubeObject, ObjectRef } from "../api/objects.ts";
import type { PoolName } from "./connections.ts";
import { apiVersionOf, collectionPath, objectPath, type ResourceDefinition } from "./definition.ts";
import { type CallOptions, type ListOptions, type ListResult, listAll, type Selection } from "./list.ts";
import type { KubeRequest, Transport } from "./transport.ts";
import { type WatchEvent, watchEvents } from "./watch.ts";

export type Subresource = "status" | "scale";

export interface WatchOptions extends CallOptions, Selection {
  readonly resourceVersion: string;
  /** After this many seconds the server ends the watch by itself. */
  readonly timeoutSeconds: number;
}

export interface PatchOptions extends CallOptions {
  readonly subresource?: Subresource | undefined;
}

export interface ApplyOptions extends PatchOptions {
  readonly fieldManager: string;
  /** Take fields over from other managers. A controller sets it for what it owns. Default true. */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Delete only this incarnation; 409 when the name belongs to another by now. */
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagation?: "Foreground" | "Background" | "Orphan" | undefined;
}

export interface JsonPatchOperation {
  readonly op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** `autoscaling/v1` Scale, as far as it is used. */
export interface Scale extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas: number; readonly selector?: string };
}

export interface Resource<T extends KubeObject> {
  readonly definition: ResourceDefinition;
  get(ref: ObjectRef, options?: CallOptions): Promise<T>;
  /** All pages. */
  list(options?: ListOptions): Promise<ListResult<T>>;
  /** Connects, then yields events until the server closes, the signal aborts (`ABORTED`) or the stream breaks. */
  watch(options: WatchOptions): Promise<AsyncIterable<WatchEvent<T>>>;
  create(object: T, options?: CallOptions): Promise<T>;
  /** Writes the whole object; with `metadata.resourceVersion` only if it is unchanged since. */
  replace(object: T, options?: PatchOptions): Promise<T>;
  /** RFC 7386: `null` deletes a field, `undefined` leaves it alone. Put a resourceVersion in to make it conditional. */
  mergePatch(ref: ObjectRef, patch: object, options?: PatchOptions): Promise<T>;
  jsonPatch(ref: ObjectRef, operations: readonly JsonPatchOperation[], options?: PatchOptions): Promise<T>;
  /** Server-side apply of exactly the fields given. Never give it an object read from a cache. */
  apply(object: KubeObject, options: ApplyOptions): Promise<T>;
  getScale(ref: ObjectRef, options?: CallOptions): Promise<Scale>;
  setScale(ref: ObjectRef, replicas: number, options?: CallOptions): Promise<Scale>;
  /** Asks for deletion; objects with finalizers stay, marked. Throws `isNotFound` when there is none. */
  delete(ref: ObjectRef, options?: DeleteOptions): Promise<void>;
}

/** How all calls of one resource are sent; see `KubeRequest`. */
export interface ResourceSettings {
  readonly pool?: PoolName;
  readonly timeoutMs?: number;
  readonly retry?: boolean;
}

const MERGE = "application/merge-patch+json";
const JSON_PATCH = "application/json-patch+json";
// Its name says YAML, and JSON is YAML.
const APPLY = "application/apply-patch+yaml";

export function resourceFor<T extends KubeObject>(
  transport: Transport,
  definition: ResourceDefinition,
  settings: ResourceSettings = {},
): Resource<T> {
  const call = async <R>(request: KubeRequest): Promise<R> =>
    (await transport.request({ ...settings, ...request })) as R;
  const patch = <R>(
    ref: ObjectRef,
    body: unknown,
    contentType: string,
    options: PatchOptions = {},
  ): Promise<R> =>
    call<R>({
      method: "PATCH",
      path: objectPath(definition, ref, options.subresource),
      body,
      contentType,
      signal: options.signal,
    });

  return {
    definition,
    get: (ref, options) =>
      call<T>({ method: "GET", path: objectPath(definition, ref), signal: options?.signal }),
    list: (options = {}) => listAll<T>(call, definition, options),
    watch: (options) => openWatch<T>(transport, definition, options),
    create: (object, options) =>
      call<T>({
        method: "POST",
        path: collectionPath(definition, object.metadata.namespace),
        body: object,
        signal: options?.signal,
      }),
    replace: (object, options) =>
      call<T>({
        method: "PUT",
        path: objectPath(definition, object.metadata, options?.subresource),
        body: object,
        signal: options?.signal,
      }),
    mergePatch: (ref, body, options) => patch<T>(ref, body, MERGE, options),
    jsonPatch: (ref, operations, options) => patch<T>(ref, operations, JSON_PATCH, options),
    apply: (object, options) =>
      call<T>({
        method: "PATCH",
        path: objectPath(definition, object.metadata, options.subresource),
        query: { fieldManager: options.fieldManager, force: options.force ?? true },
        // Apply demands both, and a typed object may have come without them.
        body: { ...object, apiVersion: apiVersionOf(definition), kind: definition.kind },
        contentType: APPLY,
        signal: options.signal,
      }),
    getScale: (ref, options) =>
      call<Scale>({ method: "GET", path: objectPath(definition, ref, "scale"), signal: options?.signal }),
    setScale: (ref, replicas, options) =>
      patch<Scale>(ref, { spec: { replicas } }, MERGE, { ...options, subresource: "scale" }),
    delete: async (ref, options = {}) => {
      await call<unknown>(deleteRequest(definition, ref, options));
    },
  };
}

function deleteRequest(definition: ResourceDefinition, ref: ObjectRef, options: DeleteOptions): KubeRequest {
  const { uid, resourceVersion, gracePeriodSeconds, propagation, signal } = options;
  const conditional = uid !== undefined || resourceVersion !== undefined;
  return {
    method: "DELETE",
    path: objectPath(definition, ref),
    // `undefined` vanishes in JSON: only what was asked for is sent.
    body: {
      apiVersion: "v1",
      kind: "DeleteOptions",
      gracePeriodSeconds,
      propagationPolicy: propagation,
      preconditions: conditional ? { uid, resourceVersion } : undefined,
    },
    signal,
  };
}

async function openWatch<T extends KubeObject>(
  transport: Transport,
  definition: ResourceDefinition,
  options: WatchOptions,
): Promise<AsyncIterable<WatchEvent<T>>> {
  const path = collectionPath(definition, options.namespace);
  const chunks = await transport.stream({
    method: "GET",
    path,
    query: {
      watch: true,
      // Without bookmarks a quiet kind's version expires, and each reconnect becomes a full relist.
      allowWatchBookmarks: true,
      resourceVersion: options.resourceVersion,
      timeoutSeconds: options.timeoutSeconds,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
    },
    pool: "watch",
    signal: options.signal,
  });
  return watchEvents<T>(chunks, `WATCH ${path}`);
}
