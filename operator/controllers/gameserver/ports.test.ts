import fc from "fast-check";
import { expect, it } from "vitest";
import { pod } from "../testing.ts";
import { choosePort, usedPorts } from "./ports.ts";

it("sees the ports that pods hold", () => {
  expect(usedPorts([pod(), pod()])).toEqual(new Map([["TCP/7001", 2]]));
});

it("never needs one port on more pods than there are nodes, and fills every node before it gives up", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 20 }), (nodes, size) => {
      const used = new Map<string, number>();
      const range = { min: 7000, max: 7000 + size - 1 };
      let given = 0;
      while (choosePort(range, used, "TCP", nodes) !== undefined) given += 1;
      expect(given).toBe(nodes * size);
      expect(Math.max(...used.values())).toBe(nodes);
    }),
  );
});

it("counts TCP and UDP apart", () => {
  const used = new Map([["TCP/7000", 1]]);
  expect(choosePort({ min: 7000, max: 7000 }, used, "TCP", 1)).toBeUndefined();
  expect(choosePort({ min: 7000, max: 7000 }, used, "UDP", 1)).toBe(7000);
});
