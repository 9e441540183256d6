# shellcheck shell=bash
# A Docker engine that answers: the running one, else one that we may start.

engine_answers() {
  if has timeout; then timeout 20 docker info; else docker info; fi >/dev/null 2>&1 # macOS has none
}

engine_up() {
  if has docker && engine_answers; then return; fi
  if [ "$(id -u)" != 0 ]; then
    die "no Docker engine answers: start it (Docker Desktop, or: sudo systemctl start docker), or install one"
  fi
  if ! has dockerd; then
    may_install || die "no Docker engine: install Docker, then run this again"
    apt_install docker.io iptables
  fi
  if [ -d /run/systemd/system ]; then
    systemctl start docker
  else
    # Two clones must not start two daemons. The lock is inherited by nobody (see start_dockerd).
    mkdir -p "$CACHE/engine"
    lock 8 "$CACHE/engine/lock"
    engine_answers || start_dockerd
    exec 8>&-
  fi
}

# A machine without an init: run dockerd ourselves, detached, with a log of its own.
start_dockerd() {
  local options=() log=$CACHE/engine/dockerd.log daemon
  forget_dead_daemons
  if lacks_sys_resource; then
    need jq jq
    # A copy, because the daemon may outlive this clone.
    install -m 755 "$HERE/engine/runc-less" "$CACHE/engine/runc-less"
    options=(--add-runtime "less=$CACHE/engine/runc-less" --default-runtime less)
  fi
  # Closing our descriptors: a daemon that kept fd 1 or 3 would hold our caller's pipe open for
  # ever, one that kept 8 or 9 our locks.
  setsid dockerd ${options[@]+"${options[@]}"} >"$log" 2>&1 </dev/null 3>&- 7>&- 8>&- 9>&- &
  daemon=$!
  disown
  for _ in $(seq 60); do
    engine_answers && return
    kill -0 $daemon 2>/dev/null || break
    sleep 1
  done
  die "dockerd does not start: $(grep -E 'level=(error|fatal)|failed' "$log" | tail -n 3); its log is $log"
}

# dockerd killed with -9, or with its machine, leaves pid files. After a restart of the machine
# another process may own that number, or a zombie has it: dockerd would take that for itself and
# refuse to start. (A zombie has no exe.)
forget_dead_daemons() {
  local file pid name
  for file in docker.pid:dockerd docker/containerd/containerd.pid:containerd; do
    name=${file#*:} file=/var/run/${file%:*}
    [ -s "$file" ] || continue
    pid=$(cat "$file")
    if ! [ -e "/proc/$pid/exe" ] || [ "$(cat "/proc/$pid/comm")" != "$name" ]; then rm -f "$file"; fi
  done
}

lacks_sys_resource() {
  local bounding
  bounding=$(awk '$1 == "CapBnd:" {print $2}' /proc/self/status)
  (((0x$bounding >> 24 & 1) == 0))
}

# pull IMAGE: from its public registry, when that answers within 15 s. The first line of a pull
# comes with the registry's answer; what follows may take as long as it needs. A registry that
# did not answer is not asked again in this run. GAMEFLEET_PULL=never asks none at all.
REGISTRY_AWAY=${GAMEFLEET_PULL:-}
pull() {
  local out=$STATE/pull.log waited=0 child
  [ -z "$REGISTRY_AWAY" ] || return 1
  docker pull "$1" >"$out" 2>&1 &
  child=$!
  while kill -0 $child 2>/dev/null; do
    if [ $waited -ge 15 ] && ! grep -q 'Pulling from' "$out"; then
      kill $child
      break
    fi
    sleep 1
    waited=$((waited + 1))
  done
  wait $child && return
  REGISTRY_AWAY=yes
  cat "$out"
  return 1
}

# save FILE IMAGE… / restore FILE: images as zstd. Written beside and renamed, so that a file with
# the right name is whole.
save() {
  local file=$1
  shift
  need zstd zstd
  mkdir -p "$(dirname "$file")"
  docker save "$@" | zstd -q -T0 -3 -f -o "$file.$$"
  mv "$file.$$" "$file"
  find "$(dirname "$file")" -name '*.zst*' -mtime +30 -delete # of older recipes
}
restore() {
  need zstd zstd
  zstd -q -d -c "$1" | docker load
}
