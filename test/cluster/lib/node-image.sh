# shellcheck shell=bash
# The image of a kind node: the public one, else one built here from Go modules and Debian
# packages (Kubernetes compiled: minutes), kept in the cache as zstd.

LOCAL_NODE_IMAGE=gamefleet/kind-node:$KUBERNETES-$(hash_of node mods/kubernetes mods/etcd mods/coredns)
NODE_IMAGE_FILE=$CACHE/images/${LOCAL_NODE_IMAGE##*:}.tar.zst
# kubeadm names these images; it is asked with an explicit version, so that it asks no network.
SYSTEM=registry.k8s.io

# Sets NODE_IMAGE.
node_image_up() {
  NODE_IMAGE=$LOCAL_NODE_IMAGE
  have_image "$NODE_IMAGE" && return
  if have_image "$PUBLIC_NODE_IMAGE"; then
    NODE_IMAGE=$PUBLIC_NODE_IMAGE
    return
  fi
  lock 7 "$CACHE/lock"
  steps 1
  if [ -f "$NODE_IMAGE_FILE" ]; then
    step "load the node image from the cache" restore "$NODE_IMAGE_FILE"
  elif ! have_image "$NODE_IMAGE"; then # another clone may have built it while we waited
    step "pull $PUBLIC_NODE_IMAGE" try_pull "$PUBLIC_NODE_IMAGE"
    if have_image "$PUBLIC_NODE_IMAGE"; then
      NODE_IMAGE=$PUBLIC_NODE_IMAGE
    else
      build_node_image
    fi
  fi
  exec 7>&-
}

try_pull() { pull "$1" || echo "not to be had: building it here"; }

KUBERNETES_BINARIES='kubectl kubeadm kubelet kube-apiserver kube-controller-manager kube-scheduler kube-proxy'

# Compiling is what takes long, so Debian's packages are fetched beside it.
build_node_image() {
  local work=$CACHE/build/${LOCAL_NODE_IMAGE##*:} binary packages_pid
  may_build_debian # known now, not after minutes of compiling
  steps 14
  PACKAGES=gamefleet/kind-node-packages:${LOCAL_NODE_IMAGE##*-}
  IPTABLES=gamefleet/iptables:${LOCAL_NODE_IMAGE##*-}
  mkdir -p "$work"
  say "no public node image: building Kubernetes $KUBERNETES here (about 12 minutes on 2 cores, once)"
  node_packages >"$STATE/packages.log" 2>&1 &
  packages_pid=$!
  for binary in $KUBERNETES_BINARIES; do
    step "compile $binary" compile_once kubernetes "k8s.io/kubernetes/cmd/$binary" "$work/$binary" "$(kubernetes_ldflags)"
  done
  step "compile crictl" compile_once kubernetes ./crictl "$work/crictl"
  step "compile pause" compile_once kubernetes ./pause "$work/pause"
  step "compile etcd" compile_once etcd go.etcd.io/etcd/server/v3 "$work/etcd"
  step "compile coredns" compile_once coredns . "$work/coredns"
  step "fetch Debian's packages" wait_for "$packages_pid" "$STATE/packages.log"
  step "make the node image" assemble_node_image "$work"
  step "keep it in the cache" save "$NODE_IMAGE_FILE" "$LOCAL_NODE_IMAGE"
  rm -rf "$work"
}

# A build that was cut off goes on where it was.
compile_once() { [ -x "$3" ] || compile "$@"; }
wait_for() { wait "$1" || { cat "$2" && false; }; }

node_packages() {
  debian_image
  build "$PACKAGES" - --build-arg "DEBIAN=$DEBIAN" <"$HERE/node/packages.Dockerfile"
  printf 'FROM %s\nRUN apt-get update && apt-get install -y iptables && rm -rf /var/lib/apt/lists/*\n' "$DEBIAN" |
    build "$IPTABLES" -
}

assemble_node_image() {
  local work=$1 bare=gamefleet/kind-node-bare container=gamefleet-preload-$$ names=() image
  mkdir -p "$work/context/bin" "$work/store"
  cp -a "$HERE/node/." "$work/context/"
  cp "$work"/{kubectl,kubeadm,kubelet,crictl} "$work/context/bin/"
  build "$bare" "$work/context" --build-arg "PACKAGES=$PACKAGES" --build-arg "KUBERNETES=$KUBERNETES" --build-arg "POD_SUBNET=$POD_SUBNET"

  system_images "$work"
  while read -r image; do names+=("$image"); done < <("$work/kubeadm" config images list --kubernetes-version "$KUBERNETES")
  docker save "${names[@]}" | docker run --name "$container" -i --privileged --network none \
    -v "$work/store:/store" -v "$HERE/node/preload:/preload:ro" --entrypoint /preload "$bare"
  docker commit -c 'ENTRYPOINT ["/kind/bin/entrypoint"]' -c 'CMD []' "$container" "$LOCAL_NODE_IMAGE"
  docker rm "$container"
  docker rmi "${names[@]}" "$bare" "$PACKAGES" "$IPTABLES"
}

# The control plane's images, one layer each, under the names that this kubeadm asks for.
system_images() {
  local work=$1 binary proxy
  for binary in kube-apiserver kube-controller-manager kube-scheduler; do
    one_binary_image "$work/$binary" "$SYSTEM/$binary:$KUBERNETES"
  done
  one_binary_image "$work/etcd" "$(named etcd "$work")"
  one_binary_image "$work/coredns" "$(named coredns "$work")"
  one_binary_image "$work/pause" "$(named pause "$work")"
  # kube-proxy calls iptables, whose extensions are libraries with libraries of their own: take
  # the whole package, as one layer.
  proxy=$(docker create "$IPTABLES" true)
  docker export "$proxy" >"$work/kube-proxy.tar"
  docker rm "$proxy"
  tar -rf "$work/kube-proxy.tar" -C "$work" --transform 's,^,usr/local/bin/,' --owner=0 --group=0 kube-proxy
  docker import -c "ENV $IMAGE_PATH" -c 'ENTRYPOINT ["/usr/local/bin/kube-proxy"]' "$work/kube-proxy.tar" "$SYSTEM/kube-proxy:$KUBERNETES"
  rm "$work/kube-proxy.tar"
  prove_iptables "$SYSTEM/kube-proxy:$KUBERNETES"
}

IMAGE_PATH=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
one_binary_image() { # FILE NAME
  local program=/usr/local/bin/${1##*/}
  tar -C "${1%/*}" --transform 's,^,usr/local/bin/,' --owner=0 --group=0 -c "${1##*/}" |
    docker import -c "ENV $IMAGE_PATH" -c "ENTRYPOINT [\"$program\"]" - "$2"
}

named() { "$2/kubeadm" config images list --kubernetes-version "$KUBERNETES" | grep "/$1:"; }

# A missing extension shows only in kube-proxy's log, as services that never change again. So
# load every one that it uses, now.
prove_iptables() {
  docker run --rm --network none --cap-add NET_ADMIN --entrypoint iptables "$1" -t nat -A OUTPUT -p tcp \
    -m statistic --mode random --probability 0.5 -m comment --comment x -m addrtype --dst-type LOCAL \
    -m conntrack --ctstate NEW -m mark --mark 0x4000/0x4000 -j REDIRECT
}
