/** Where the SQL of this component lies; `migrate` applies it. */
import { fileURLToPath } from "node:url";

export const MIGRATIONS = fileURLToPath(new URL("migrations", import.meta.url));
