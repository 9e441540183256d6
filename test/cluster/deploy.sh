#!/usr/bin/env bash
# Installs CRDs and chart into this clone's cluster, with trial stores. Expects the images there (images.sh) and the
# environment of env.sh. Run again after a change: pods of a new image are rolled out, everything else stays.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${KUBECONFIG:?must be set: eval \"\$(test/cluster/env.sh)\" first}"

namespace=gamefleet-system
kubectl apply --server-side --force-conflicts -f crds/ >/dev/null
kubectl wait --for=condition=Established --timeout=30s -f crds/ >/dev/null
kubectl get namespace "$namespace" >/dev/null 2>&1 || kubectl create namespace "$namespace" >/dev/null

# What runs the game servers stays on the control plane: tests lose the other node.
stay='nodeSelector.node-role\.kubernetes\.io/control-plane='

# The tag stays the same from build to build; the image's id tells whether pods must be replaced.
image=$(docker image inspect --format '{{.Id}}' gamefleet:dev)
helm upgrade --install gamefleet charts/gamefleet --namespace "$namespace" --wait --timeout 180s \
  --set image.tag=dev \
  --set trialStores.enabled=true \
  --set operator.playerPorts=7000-7031 \
  --set-string "operator.$stay" \
  --set-string "allocator.$stay" \
  --set-string "trialStores.$stay" \
  --set allocator.service.type=NodePort \
  --set allocator.service.nodePort=30080 \
  --set allocator.ratePerAddress=5000 \
  --set operator.resources.requests.cpu=25m \
  --set allocator.resources.requests.cpu=25m \
  --set trialStores.resources.requests.cpu=25m \
  --set-string "podAnnotations.gamefleet\.dev/image=$image" >/dev/null

token=$(kubectl -n "$namespace" get secret gamefleet-allocator-tokens -o go-template='{{.data.default | base64decode}}')
umask 077
mkdir -p .state
printf '%s' "$token" >.state/allocator-token
echo "gamefleet is installed in $namespace; allocator at $GAMEFLEET_ALLOCATOR_URL, its token in .state/allocator-token"
