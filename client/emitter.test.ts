import { expect, it, vi } from "vitest";
import { Emitter } from "./emitter.ts";

interface Events {
  said: (word: string) => void;
  done: () => void;
}

it("tells every listener of a name, in order, until it stops listening", () => {
  const emitter = new Emitter<Events>();
  const heard: string[] = [];
  const stop = emitter.on("said", (word) => heard.push(`first ${word}`));
  emitter.on("said", (word) => heard.push(`second ${word}`));
  emitter.on("done", () => heard.push("done"));
  emitter.emit("said", "one");
  stop();
  emitter.emit("said", "two");
  expect(heard).toEqual(["first one", "second one", "second two"]);
});

it("lets a listener stop itself while it is told", () => {
  const emitter = new Emitter<Events>();
  const heard = vi.fn();
  const stop = emitter.on("done", () => stop());
  emitter.on("done", heard);
  emitter.emit("done");
  emitter.emit("done");
  expect(heard).toHaveBeenCalledTimes(2);
});

it("goes on after a listener that throws, whose error surfaces on its own", () => {
  const later: (() => void)[] = [];
  vi.stubGlobal("queueMicrotask", (task: () => void) => later.push(task));
  const emitter = new Emitter<Events>();
  const heard = vi.fn();
  emitter.on("done", () => {
    throw new Error("a bug of the game");
  });
  emitter.on("done", heard);
  emitter.emit("done");
  vi.unstubAllGlobals();
  expect(heard).toHaveBeenCalledOnce();
  expect(later).toHaveLength(1);
  expect(later[0]).toThrow("a bug of the game");
});
