/**
 * A whole collection, page by page, so that no single answer blocks the event loop for long.
 */

import type { KubeObject } from "../api/objects.ts";
import { apiVersionOf, collectionPath, type ResourceDefinition } from "./definition.ts";
import { isExpired } from "./errors.ts";
import type { KubeRequest } from "./transport.ts";

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface Selection {
  /** All namespaces when absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends CallOptions, Selection {
  /** Objects a page. Default 500. */
  readonly pageSize?: number;
}

export interface ListResult<T> {
  readonly items: readonly T[];
  /** Where a watch may begin to miss nothing after this list. */
  readonly resourceVersion: string;
}

interface Page<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

type Call = <R>(request: KubeRequest) => Promise<R>;

const PAGE_SIZE = 500;

/**
 * All pages show the collection at one version. When that version expires half-way (410: a slow reader, a busy
 * cluster), the list starts again in one piece, which cannot expire.
 */
export async function listAll<T extends KubeObject>(
  call: Call,
  definition: ResourceDefinition,
  options: ListOptions,
): Promise<ListResult<T>> {
  const pageSize = options.pageSize ?? PAGE_SIZE;
  const items: T[] = [];
  let token: string | undefined;
  for (;;) {
    let page: Page<T>;
    try {
      page = await fetchPage<T>(call, definition, options, pageSize, token);
    } catch (error) {
      if (token === undefined || !isExpired(error)) throw error;
      const whole = await fetchPage<T>(call, definition, options, 0, undefined);
      return { items: named(whole, definition), resourceVersion: whole.metadata?.resourceVersion ?? "" };
    }
    items.push(...named(page, definition));
    token = page.metadata?.continue === "" ? undefined : page.metadata?.continue;
    if (token === undefined) return { items, resourceVersion: page.metadata?.resourceVersion ?? "" };
  }
}

function fetchPage<T>(
  call: Call,
  definition: ResourceDefinition,
  options: ListOptions,
  limit: number,
  token: string | undefined,
): Promise<Page<T>> {
  return call<Page<T>>({
    method: "GET",
    path: collectionPath(definition, options.namespace),
    query: {
      limit: limit === 0 ? undefined : limit,
      continue: token,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
    },
    signal: options.signal,
    // A page of large objects may take the server a while.
    timeoutMs: 30_000,
  });
}

/** Lists of built-in kinds leave these two out of their items; watches and gets do not. */
function named<T extends KubeObject>(page: Page<T>, definition: ResourceDefinition): T[] {
  const apiVersion = apiVersionOf(definition);
  return (page.items ?? []).map((item) =>
    item.kind === undefined ? { apiVersion, kind: definition.kind, ...item } : item,
  );
}
