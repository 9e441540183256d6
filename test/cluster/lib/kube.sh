# shellcheck shell=bash
# This clone's kind cluster: created, recognised, repaired, waited for.

WORKERS=$((${GAMEFLEET_NODES:-1} - 1))

nodes() { docker ps -a --filter "label=io.x-k8s.kind.cluster=$CLUSTER" --format '{{.Names}}' | LC_ALL=C sort; }

running() { [ -n "$(docker ps -q --filter "name=^${NODE:?}\$")" ]; }

# Players of node N (0: the control plane) come in by the clone's address with N as third number.
node_address() { player_address | sed "s/^127\.0\.0\./127.0.$1./"; }

kind_config() { # NODE_IMAGE
  local n port role=control-plane
  cat <<YAML
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
name: $CLUSTER
networking:
  ipFamily: ipv4
  apiServerAddress: 127.0.0.1
  podSubnet: $POD_SUBNET
  serviceSubnet: $SERVICE_SUBNET
  kubeProxyMode: iptables
  disableDefaultCNI: $(own_image "$1" && echo true || echo false) # see connect_pods
kubeadmConfigPatches:
- | # without it kube-proxy logs an error at every start
  kind: KubeProxyConfiguration
  nodePortAddresses: [primary]
YAML
  if own_image "$1"; then
    cat <<YAML
- |
  kind: KubeletConfiguration
  cgroupDriver: cgroupfs # no dbus in our node
  resolvConf: /kind/resolv.conf
YAML
  fi
  echo "nodes:"
  for n in $(seq 0 "$WORKERS"); do
    printf -- '- role: %s\n  image: %s\n  extraPortMappings:\n' "$role" "$1"
    for port in $(seq "$FIRST_PLAYER_PORT" "$LAST_PLAYER_PORT"); do
      echo "  - {listenAddress: $(node_address "$n"), hostPort: $port, containerPort: $port}"
    done
    [ "$n" != 0 ] || echo "  - {listenAddress: $(node_address 0), hostPort: $ALLOCATOR_PORT, containerPort: $ALLOCATOR_NODE_PORT}"
    role=worker
  done
}

own_image() { case $1 in gamefleet/*) ;; *) return 1 ;; esac }

# A cluster is whole when its creation ended ($STATE/kind.yaml is written last) and it is the
# one that would be created now. Anything else is removed. Answers whether one is to be created.
remove_unlike() { # NODE_IMAGE
  [ -n "$(nodes)" ] || return 0
  if [ -s "$KUBECONFIG" ] && kind_config "$1" | cmp -s - "$STATE/kind.yaml"; then return; fi
  echo "half made, or made from other settings: removing it"
  remove_cluster
}

remove_cluster() {
  rm -f "$STATE/kind.yaml"
  kind delete cluster --name "$CLUSTER" || true
  # What kind does not know any more (its own list needs a control plane).
  nodes | xargs -r docker rm -f -v
  docker network rm "$CLUSTER" 2>/dev/null || true
  rm -f "$KUBECONFIG"
}

create_cluster() { # NODE_IMAGE
  local config=$STATE/kind.yaml.new
  kind_config "$1" >"$config"
  rm -f "$STATE/kind.yaml" "$KUBECONFIG"
  kind create cluster --config "$config"
  # When the daemon comes back, up.sh decides what runs: not the clusters of clones long gone.
  nodes | xargs docker update --restart=no
  settle "$1"
  mv "$config" "$STATE/kind.yaml"
}

# What nodes need besides kind's work; after a restart as well.
settle() { # NODE_IMAGE
  local n=0 node
  if own_image "$1"; then
    connect_pods
  else
    for node in $(nodes); do
      docker exec -i -e "POD_SUBNET=$POD_SUBNET" "$node" bash <"$HERE/node/overlay/kind/bin/guard"
    done
  fi
  for node in $(nodes); do
    kubectl annotate node "$node" --overwrite "gamefleet.dev/player-address=$(node_address $n)"
    n=$((n + 1))
  done
  # With workers, kind keeps pods off the control plane; here every node is to serve players.
  kubectl taint nodes --all node-role.kubernetes.io/control-plane- || true
}

# The pod network of our own node image: a bridge on each node with the range that the controller
# manager gave it, and a route to each other node's.
connect_pods() {
  local node other range
  for node in $(nodes); do
    range=$(retry 30 pod_range "$node")
    printf '{"cniVersion": "1.0.0", "name": "pods", "plugins": [
      {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
       "ipam": {"type": "host-local", "ranges": [[{"subnet": "%s"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
      {"type": "portmap", "capabilities": {"portMappings": true}}]}\n' "$range" |
      docker exec -i "$node" sh -c 'mkdir -p /etc/cni/net.d && cat >/etc/cni/net.d/10-pods.conflist'
    for other in $(nodes); do
      [ "$other" = "$node" ] || docker exec "$other" ip route replace "$range" via "$(docker_address "$node")"
    done
  done
  [ "$WORKERS" = 0 ] || point_kube_proxy "https://$(docker_address "$NODE"):6443"
}
# On a worker nothing resolves the control plane's name, as which kubeadm gives it to kube-proxy.
point_kube_proxy() { # URL
  local config
  config=$(kubectl -n kube-system get configmap kube-proxy -o yaml)
  case $config in *"server: $1"*) return ;; esac
  # shellcheck disable=SC2001  # a glob would match to the end of the text
  sed "s,server: https://.*,server: $1," <<<"$config" | kubectl replace -f -
  kubectl -n kube-system rollout restart daemonset/kube-proxy
  kubectl -n kube-system rollout status daemonset/kube-proxy --timeout=60s
}
pod_range() { kubectl get node "$1" -o jsonpath='{.spec.podCIDR}' | grep .; }
docker_address() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }

retry() { # SECONDS COMMAND…
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 1
  done
}

# Start what is stopped; a cluster that then does not answer is beyond repair, and is removed.
revive() { # NODE_IMAGE
  local node
  for node in $(nodes); do docker start "$node" || break; done
  if retry 60 kubectl --request-timeout=3s get --raw /readyz; then
    settle "$1"
  else
    echo "does not come back: removing it"
    remove_cluster
  fi
}

# Every node is ready, and every system pod is and says so since the last start of its node: just
# after a restart the API still shows what was true before.
system_ready() {
  local node each='{range .items[*].status.containerStatuses[*]}{.ready} {.state.running.startedAt}{"\n"}{end}' started
  for node in $(nodes); do
    kubectl wait "node/$node" --for=condition=Ready --timeout=1s || return 1
    started=$(docker inspect -f '{{.State.StartedAt}}' "$node")
    kubectl -n kube-system get pods --field-selector "spec.nodeName=$node" -o jsonpath="$each" |
      awk -v since="${started:0:19}" '{ if ($1 == "true" && substr($2, 1, 19) >= since) ready++ } END { exit !(ready && ready == NR) }' || return 1
  done
  kubectl -n kube-system wait deployment/coredns --for=condition=Available --timeout=1s # scheduled late
}

wait_for_system() {
  retry 180 system_ready && return
  kubectl get nodes,pods -A -o wide
  kubectl get events -A | tail -n 20
  return 1
}
