/** A disk of a few megabytes that can be filled and freed: a tmpfs, so only for root on Linux. */
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  folder(name: string, owner: string): string;
  /** Leaves `freeBytes` at most. */
  fill(freeBytes: number): void;
  free(): void;
  remove(): void;
}

const CHUNK = 65_536;

/** Undefined where this process may not mount. */
export function openSmallDisk(megabytes: number): SmallDisk | undefined {
  const mount = mkdtempSync(join(tmpdir(), "gamefleet-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0755`, "tmpfs", mount], {
      stdio: "ignore",
    });
  } catch {
    rmSync(mount, { recursive: true });
    return undefined;
  }
  const filler = join(mount, "filler");
  return {
    folder(name, owner) {
      const folder = join(mount, name);
      mkdirSync(folder);
      execFileSync("chown", [`${owner}:`, folder]);
      return folder;
    },
    fill(freeBytes) {
      const left = () => {
        const { bavail, bsize } = statfsSync(mount);
        return bavail * bsize;
      };
      while (left() > freeBytes + CHUNK) appendFileSync(filler, Buffer.alloc(CHUNK, 1));
    },
    free: () => rmSync(filler, { force: true }),
    remove() {
      execFileSync("umount", ["-l", mount]);
      rmSync(mount, { recursive: true });
    },
  };
}
