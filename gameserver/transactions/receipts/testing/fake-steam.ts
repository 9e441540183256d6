/** Steam for tests: orders that wait for their money, and a report of what became of them. */
import { FakeServer } from "./fake-server.ts";

export interface SteamOrder {
  status: string;
  readonly orderid: string;
  readonly steamid: string;
  readonly items: readonly { readonly itemid: number; readonly qty: number }[];
  time: string;
}

export class FakeSteam {
  readonly server: FakeServer;
  readonly orders = new Map<string, SteamOrder>();
  /** What finalising comes to: the money moves, is not there, or moves and the answer says otherwise. */
  finalising: "ok" | "fails" | "done-before" = "ok";
  /** Says no without saying why. */
  terse = false;
  /** Orders a page of the report. */
  page = 1_000;
  #next = 1;

  constructor() {
    this.server = new FakeServer(({ path, body }) => {
      const url = new URL(path, "http://steam");
      const sent = body === "" ? url.searchParams : new URLSearchParams(body);
      if (sent.get("key") !== "steam-key") return { status: 403 };
      const [, service = "", method = ""] = /^\/(\w+)\/(\w+)\//.exec(url.pathname) ?? [];
      if (service !== "ISteamMicroTxn" || sent.get("appid") !== "480") return this.#failure("Unknown app");
      if (method === "GetReport") return this.#report(sent.get("time") ?? "");
      const order = this.orders.get(sent.get("orderid") ?? "");
      if (!order) return this.#failure("Unknown order");
      if (method === "QueryTxn") return { json: { response: { result: "OK", params: order } } };
      if (this.finalising === "fails" || order.status !== "Approved")
        return this.#failure("Not in approved state");
      order.status = "Succeeded";
      return this.finalising === "ok"
        ? { json: { response: { result: "OK", params: { orderid: order.orderid } } } }
        : this.#failure("Transaction has been finalized");
    });
  }

  get settings() {
    return { appId: 480, key: "steam-key", baseUrl: this.server.url, timeoutMs: 500 };
  }

  buy(over: Partial<SteamOrder> = {}): string {
    const orderid = String(this.#next++);
    this.orders.set(orderid, {
      orderid,
      steamid: "76561197972751825",
      status: "Approved",
      items: [{ itemid: 100, qty: 1 }],
      time: new Date().toISOString(),
      ...over,
    });
    return orderid;
  }

  /** Something happened to it just now. */
  become(orderid: string, status: string): void {
    const order = this.orders.get(orderid) as SteamOrder;
    order.status = status;
    order.time = new Date().toISOString();
  }

  #failure(errordesc: string) {
    const error = this.terse ? {} : { error: { errorcode: 3, errordesc } };
    return { json: { response: { result: "Failure", ...error } } };
  }

  #report(since: string) {
    const orders = [...this.orders.values()]
      .filter((order) => order.time >= since)
      .sort((a, b) => a.time.localeCompare(b.time))
      .slice(0, this.page);
    return { json: { response: { result: "OK", params: { count: orders.length, orders } } } };
  }
}
