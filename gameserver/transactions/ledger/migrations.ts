/** Where the SQL of the ledger lies; `migrate` applies it. */
import { fileURLToPath } from "node:url";

export const LEDGER_MIGRATIONS = fileURLToPath(new URL("migrations", import.meta.url));
