#!/usr/bin/env bash
# Remove this clone's cluster and nothing else. --all: also its state and address, and the images
# made for clusters, unless another clone's cluster uses them. The cache stays.
. "$(dirname "$0")/lib/core.sh"
use address engine tools debian bases node-image kube

remove_rest() {
  local image
  for image in $(docker images --format '{{.Repository}}:{{.Tag}}' 'gamefleet*') $(docker images --format '{{.Repository}}:{{.Tag}}' 'gamefleet/*') $BASES; do
    docker rmi "$image" || true # in use elsewhere
  done
  release_address
}

begin
if ! has docker || ! engine_answers; then
  die "no Docker engine answers, so nothing runs; start it, then run this again to remove what is stopped"
fi
steps 1
step "remove cluster $CLUSTER" remove_cluster
if [ "${1:-}" = --all ]; then
  steps 1
  step "remove images and state" remove_rest
  rm -rf "$STATE"
fi
