# shellcheck shell=bash
# The loopback address under which players reach this clone's cluster: 127.0.0.1 for the first
# clone on a machine, 127.0.0.2 for the next, and so on. Once taken it stays the clone's own.

# A claim is a file named after the address that holds the clone's path; `ln` makes it atomically.
player_address() {
  local claims=$CACHE/addresses n address owner
  if [ -s "$STATE/address" ]; then
    cat "$STATE/address"
    return
  fi
  mkdir -p "$claims" "$STATE"
  printf %s "$REPO" >"$STATE/address.claim"
  for n in $(seq 1 250); do
    address=127.0.0.$n
    owner=$(cat "$claims/$address" 2>/dev/null || true)
    # A clone that was deleted needs its address no more.
    if [ -n "$owner" ] && [ ! -d "$owner" ]; then rm -f "$claims/$address"; fi
    if [ "$owner" = "$REPO" ] || ln "$STATE/address.claim" "$claims/$address" 2>/dev/null; then
      echo "$address" >"$STATE/address"
      break
    fi
  done
  rm -f "$STATE/address.claim"
  cat "$STATE/address"
}

release_address() {
  [ ! -s "$STATE/address" ] || rm -f "$CACHE/addresses/$(cat "$STATE/address")"
  rm -f "$STATE/address"
}
