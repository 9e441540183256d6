/** Listeners by name. A listener that throws does not keep the others from hearing; its error surfaces on its own. */

type Listener = (...args: never[]) => void;

export class Emitter<Events extends Record<keyof Events, Listener>> {
  readonly #listeners = new Map<keyof Events, Set<Listener>>();

  /** Returns how to stop listening. */
  on<Name extends keyof Events>(name: Name, listener: Events[Name]): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  emit<Name extends keyof Events>(name: Name, ...args: Parameters<Events[Name]>): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as (...values: Parameters<Events[Name]>) => void)(...args);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
