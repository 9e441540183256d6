#!/usr/bin/env bash
# Remove this clone's cluster and nothing else. --all: also its state and its address, and, when no
# other clone has a cluster, the images of all. The cache stays: it belongs to all clones.
. "$(dirname "$0")/lib/core.sh"
use address engine tools debian bases node-image kube

remove_rest() {
  release_address
  if [ -z "$(docker ps -aq --filter label=io.x-k8s.kind.cluster)" ]; then
    { tr ' ' '\n' <<<"$BASES" && docker images --format '{{.Repository}}:{{.Tag}}' | grep '^gamefleet[:/]'; } | xargs docker rmi || true
    docker image prune -f --filter label=gamefleet.dev/base
  fi
}

begin
if ! has docker || ! engine_answers; then
  die "no Docker engine answers, so nothing runs; start it, then run this again to remove what is stopped"
fi
steps 1
step "remove cluster $CLUSTER" remove_cluster
if [ "${1:-}" = --all ]; then
  steps 1
  step "remove state and unused images" remove_rest
  rm -rf "$STATE"
fi
