import { expect, it } from "vitest";
import { labels } from "../../api/kinds.ts";
import { pod } from "../testing.ts";
import { playerAddress } from "./address.ts";
import type { Node } from "./core.ts";

const node = (types: readonly string[], annotation?: string): Node => ({
  metadata: {
    name: "node-1",
    ...(annotation ? { annotations: { [labels.playerAddress]: annotation } } : {}),
  },
  status: { addresses: types.map((type) => ({ type, address: `of-${type}` })) },
});

it("prefers what the platform team wrote, then the outer address, then the inner, then the pod's host", () => {
  const both = ["Hostname", "InternalIP", "ExternalIP"];
  expect(playerAddress(node(both, "play.example"), pod())).toBe("play.example");
  expect(playerAddress(node(both), pod())).toBe("of-ExternalIP");
  expect(playerAddress(node(["Hostname", "InternalIP"]), pod())).toBe("of-InternalIP");
  expect(playerAddress(node(["Hostname"]), pod())).toBe("10.0.0.1");
  expect(playerAddress(undefined, pod())).toBe("10.0.0.1");
});
