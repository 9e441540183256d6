#!/usr/bin/env bash
# images.sh [TAG]: build the application's image gamefleet:TAG (dev), get Redis and PostgreSQL,
# and load all three into this clone's cluster. What the cluster has already is not loaded again.
. "$(dirname "$0")/lib/core.sh"
use address engine tools debian bases kube

IMAGE=gamefleet:${1:-dev}

# What an earlier build of the same tag left without a name goes; the label tells it from the
# nameless stages that make the next build quick.
build_app() {
  build "$IMAGE" "$REPO" --label gamefleet.dev/app=yes
  docker image prune -f --filter label=gamefleet.dev/app
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
