/** In the pod's own process: an event that nobody hears would end it, and its players' play with it. */
import { expect, it } from "vitest";
import { silentLog } from "../../platform/log.ts";
import { MIGRATIONS } from "../../platform/ownership/migrations.ts";
import { migrate } from "../../platform/postgres.ts";
import { freshDatabase } from "../../test/stores/fixtures.ts";
import { proxyFor } from "../testing/proxy.ts";

it("PostgreSQL that goes away under a migration fails it, and nothing else", async () => {
  const proxy = await proxyFor(await freshDatabase());
  // Cut in the midst of what it says, wherever that is: the connection is made by then.
  for (const bytes of [200, 400, 800]) {
    proxy.heal();
    proxy.cutAfter(bytes);
    await expect(migrate(proxy.url, MIGRATIONS, "ownership", silentLog())).rejects.toThrow("terminated");
  }
  proxy.heal();
  await migrate(proxy.url, MIGRATIONS, "ownership", silentLog());
  proxy.close();
});
