#!/usr/bin/env bash
# eval "$(test/cluster/env.sh)": what a shell needs to talk to this clone's cluster.
# Starts nothing and waits for nothing.
. "$(dirname "$0")/lib/core.sh"
use address
exec 3>&2

address=$(player_address)
cat <<ENV
export KUBECONFIG='$KUBECONFIG'
export GAMEFLEET_CLUSTER='$CLUSTER'
export GAMEFLEET_PLAYER_ADDRESS='$address'
export GAMEFLEET_ALLOCATOR_URL='http://$address:$ALLOCATOR_PORT'
case :\$PATH: in *:'$TOOLS':*) ;; *) export PATH='$TOOLS':"\$PATH" ;; esac
ENV
