#!/usr/bin/env bash
# Bring up this clone's cluster from whatever there is: nothing at all, a stopped one, half a one,
# or a running one. GAMEFLEET_NODES=2 adds a worker.
. "$(dirname "$0")/lib/core.sh"
use address engine tools debian node-image kube

begin
steps 4
step "Docker engine" engine_up
tools_up
node_image_up
step "look for a cluster to keep" remove_unlike "$NODE_IMAGE"
if [ -n "$(nodes)" ]; then step "start it where it is stopped" revive "$NODE_IMAGE"; else steps -1; fi
if [ -z "$(nodes)" ]; then
  steps 1
  step "create cluster $CLUSTER" create_cluster "$NODE_IMAGE"
fi
step "wait for every system pod" wait_for_system
say "cluster $CLUSTER is up, players at $(player_address):$FIRST_PLAYER_PORT-$LAST_PLAYER_PORT"
say "kubeconfig: $KUBECONFIG (or: eval \"\$(test/cluster/env.sh)\")"
