# shellcheck shell=bash
# What every script here shares: where things are, which versions, how to say what is happening.
# Sourced, never run. Works with bash 3.2 (macOS); the parts that need Debian say so themselves.
# shellcheck disable=SC2034  # its variables are for those who source it
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
REPO=$(cd "$HERE/../.." && pwd)

# --- one place for every fixed choice -----------------------------------------------------------
# A module's version lives in its go.mod and nowhere else.
module_version() { awk -v m="$2" '$1 == m && $2 ~ /^v/ {print $2; exit}' "$HERE/mods/$1/go.mod"; }
KUBERNETES=$(module_version kubernetes k8s.io/kubernetes) # 1.34: from 1.35 on, kubelet refuses cgroup v1
KIND=$(module_version kind sigs.k8s.io/kind)
HELM=$(module_version helm helm.sh/helm/v4)
# From kind's release notes: only this digest is built for this kind.
PUBLIC_NODE_IMAGE=kindest/node:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d
POD_SUBNET=10.244.0.0/16
SERVICE_SUBNET=10.96.0.0/16
FIRST_PLAYER_PORT=7000 # outside the NodePorts (30000-32767), whose owner is kube-proxy
LAST_PLAYER_PORT=7031
ALLOCATOR_PORT=7080
ALLOCATOR_NODE_PORT=30080
NODE_BASE=node:26-bookworm-slim
REDIS_IMAGE=redis:7-bookworm
POSTGRES_IMAGE=postgres:15-bookworm

# --- places -------------------------------------------------------------------------------------
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/gamefleet # shared by all clones, safe to lose
STATE=$REPO/.state/cluster                      # this clone's
TOOLS=$CACHE/tools/kind-$KIND-kubectl-$KUBERNETES-helm-$HELM
LOG=$STATE/last.log

# Six hex digits of the clone's path name its cluster, so that two clones never share one.
short_hash() { git hash-object --stdin | cut -c1-"${1:-6}"; }
CLUSTER=gamefleet-$(printf %s "$REPO" | short_hash)
NODE=$CLUSTER-control-plane
# A Docker network of its own gives the node the same address after every restart (etcd and the
# API server have theirs in their configuration), whatever other clusters do.
export KIND_EXPERIMENTAL_DOCKER_NETWORK=$CLUSTER
export KUBECONFIG=$STATE/kubeconfig # never the user's own
export PATH=$TOOLS:$PATH

# Hash of files by content and name: the key under which something made from them is cached. The
# scripts that do the making are not among them (a new comment would cost a quarter of an hour):
# RECIPE stands for them. Raise it when what lib/{debian,node-image,bases}.sh make changes.
RECIPE=1
hash_of() {
  (cd "$HERE" && find "$@" -type f | LC_ALL=C sort | while read -r f; do echo "$f $(git hash-object "$f") $RECIPE"; done) | short_hash 10
}

# --- saying -------------------------------------------------------------------------------------
STEP=0 STEPS=0 DOING=
say() { echo "$*" >&3; }
die() {
  [ -z "$DOING" ] || say failed
  DOING= # the message says it all; the log's end is for the unforeseen
  say "error: $*"
  exit 1
}
steps() { STEPS=$((STEPS + $1)); } # announce so many more

# step TITLE COMMAND…: one line on the terminal, the command's own words in the log.
# Called plainly (never in a condition), so that errexit holds inside COMMAND.
step() {
  local title=$1 began=$SECONDS
  shift
  STEP=$((STEP + 1)) DOING=$title
  printf '[%2d/%d] %s … ' "$STEP" "$STEPS" "$title" >&3
  echo "=== $title" >>"$LOG"
  "$@" >>"$LOG" 2>&1
  echo "$((SECONDS - began)) s" >&3
  DOING=
}

on_exit() {
  local rc=$?
  if [ -n "$(jobs -p)" ]; then jobs -p | xargs kill 2>/dev/null || true; fi
  if [ -n "$DOING" ] && [ $rc = 130 ]; then
    say "stopped; run it again to go on"
  elif [ -n "$DOING" ] && [ $rc != 0 ]; then
    printf 'failed\n--- the end of %s\n' "$LOG" >&3
    tail -n 20 "$LOG" >&3
  fi
  exit $rc
}

# begin: what a script that does work calls first. fd 3 is the terminal, fd 9 this clone's lock.
begin() {
  mkdir -p "$STATE" "$CACHE"
  exec 3>&1
  : >"$LOG"
  trap on_exit EXIT
  trap 'exit 130' INT TERM
  lock 9 "$STATE/lock"
}

# lock FD FILE: held until this process ends. macOS has no flock; there, clones are trusted.
lock() {
  eval "exec $1>>\"\$2\""
  command -v flock >/dev/null || return 0
  flock -n "$1" || { say "waiting for another run (${2})" && flock "$1"; }
}

# use PART…: the functions of lib/PART.sh. Before begin, so that they may set variables.
use() {
  local part
  # shellcheck source=/dev/null
  for part in "$@"; do . "$HERE/lib/$part.sh"; done
}

has() { command -v "$1" >/dev/null 2>&1; }
have_image() { docker image inspect "$1" >/dev/null 2>&1; }
may_install() { [ "$(id -u)" = 0 ] && has apt-get; }

# Debian packages, when this user may install them.
apt_install() {
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}
need() { # COMMAND PACKAGE
  has "$1" && return
  may_install || die "$1 is missing: install it (Debian: sudo apt-get install $2)"
  apt_install "$2"
}
