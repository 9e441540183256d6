#!/usr/bin/env bash
# All checks that need no running system. Each says its name; the first that fails ends the run with what it found.
set -euo pipefail
cd "$(dirname "$0")/../.."

check() {
  local name=$1
  shift
  local log
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then
    echo "ok    $name"
    rm -f "$log"
  else
    cat "$log"
    rm -f "$log"
    echo "FAIL  $name: $*" >&2
    exit 1
  fi
}

check "types" npx tsc -p .
check "types of the browser client" npx tsc -p client/tsconfig.json
check "lint" npx oxlint --type-aware .
check "format" npx biome check .
check "import rules" node test/tools/imports.ts
check "file lengths" node test/tools/lengths.ts
check "dead code" npx knip
check "generated files: kinds" node operator/api/generate.ts --check
check "generated files: reference" node test/tools/reference/main.ts --check
if command -v helm >/dev/null; then
  check "chart" helm lint charts/gamefleet --strict --set trialStores.enabled=true
else
  echo "skip  chart (no helm here; make test-e2e checks it in the cluster)"
fi
if command -v shellcheck >/dev/null; then
  # shellcheck disable=SC2046 # file names without blanks, by our own rule
  check "shell scripts" shellcheck -x $(git ls-files '*.sh' .ci/run)
else
  echo "skip  shell scripts (no shellcheck here)"
fi
