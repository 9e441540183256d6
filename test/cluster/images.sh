#!/usr/bin/env bash
# images.sh [TAG]: build the application's image gamefleet:TAG (dev), get Redis and PostgreSQL,
# and load all three into this clone's cluster. What the cluster has already is not loaded again.
. "$(dirname "$0")/lib/core.sh"
use address engine tools debian bases kube

IMAGE=gamefleet:${1:-dev}

build_app() {
  # With a base built here, only the host's network leads to npm's registry; elsewhere it does no harm.
  build "$IMAGE" "$REPO"
}
load_images() { kind load docker-image --name "$CLUSTER" "$IMAGE" "$REDIS_IMAGE" "$POSTGRES_IMAGE"; }

begin
engine_answers || die "no Docker engine answers: run test/cluster/up.sh first"
running || die "no cluster of this clone runs: run test/cluster/up.sh first"
steps 2
bases_up
step "build $IMAGE" build_app
step "load images into $CLUSTER" load_images
say "$IMAGE, $REDIS_IMAGE and $POSTGRES_IMAGE are in the cluster"
