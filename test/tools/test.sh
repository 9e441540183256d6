#!/usr/bin/env bash
# make test: everything CI runs, in the order in which mistakes are cheapest to find. The cluster, the slowest part of
# a cold run, is built in the background meanwhile. Ends with one line: N passed, N failed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

mkdir -p .state
rm -rf .state/vitest-*.json .state/blobs
passed=0 failed=0 broken=()

say() { printf '\n== %s\n' "$*"; }

# Runs tests under a name and adds their counts.
tests() {
  local name=$1 report=.state/vitest-$1.json
  shift
  say "tests: $name"
  npx vitest run --reporter=default --reporter=json --outputFile.json="$report" "$@"
  local status=$?
  if [ ! -f "$report" ]; then
    broken+=("$name (no report)")
    return
  fi
  local counts
  # shellcheck disable=SC2016 # the template is JavaScript's
  counts=$(node -p 'const r = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")); `${r.numPassedTests} ${r.numFailedTests}`' "$report")
  passed=$((passed + ${counts% *}))
  failed=$((failed + ${counts#* }))
  [ $status -eq 0 ] || broken+=("$name")
}

# Runs a vitest project in two parts: files that a gate of coverage rests on (PATTERN), keeping what they reach for the
# gate, and all others, at full speed. Usage: project NAME PATTERN
project() {
  local name=$1 files measured others
  files=$(npx vitest list --filesOnly --project "$name" | sed -n 's/^\[[a-z]*\] //p')
  mapfile -t measured < <(grep -E "$2" <<<"$files")
  mapfile -t others < <(grep -vE "$2" <<<"$files")
  tests "$name-measured" --project "$name" --reporter=blob --outputFile.blob=".state/blobs/$name.json" \
    --coverage --coverage.include='gameserver/{scheduler,transactions}/**/*.ts' --coverage.reporter=json-summary \
    --coverage.thresholds=false "${measured[@]}"
  tests "$name" --project "$name" "${others[@]}"
}

say "cluster: building in the background (log: .state/cluster.log)"
# Two nodes: one of them is lost by a test.
(GAMEFLEET_NODES=2 test/cluster/up.sh && test/cluster/images.sh) >.state/cluster.log 2>&1 &
cluster=$!

say "verify"
test/tools/verify.sh || broken+=(verify)
project unit '^gameserver/(scheduler|transactions)/'
project integration '^gameserver/transactions/'
project faults '^gameserver/transactions/|^test/faults/transactions/(model|partition)\.'
say "coverage"
npm run -s coverage || broken+=("coverage of gameserver/scheduler or gameserver/transactions")

say "browser"
test/tools/browser.sh || broken+=(browser)

say "cluster: waiting for it"
tail -n 3 .state/cluster.log
if wait $cluster; then
  tail -n 2 .state/cluster.log
  eval "$(test/cluster/env.sh)"
  say "deploy"
  if test/cluster/deploy.sh; then tests e2e --project e2e; else broken+=(deploy); fi
else
  tail -n 40 .state/cluster.log
  broken+=(cluster)
fi

if [ ${#broken[@]} -gt 0 ]; then
  say "failed: ${broken[*]}"
  compgen -G '.state/vitest-*.json' >/dev/null && npx node test/tools/failed.ts .state/vitest-*.json
  [ $failed -gt 0 ] || failed=${#broken[@]}
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
