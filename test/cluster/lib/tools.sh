# shellcheck shell=bash
# kind, kubectl and helm for this host: the user's own when new enough, else built from their
# Go modules into the cache.

LD_SMALL='-s -w'
# Without these kubeadm and kubelet do not know their own version.
kubernetes_ldflags() {
  local package minor=${KUBERNETES#v1.}
  printf %s "$LD_SMALL"
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf ' -X %s.%s' "$package" "gitVersion=$KUBERNETES" "$package" gitMajor=1 \
      "$package" "gitMinor=${minor%%.*}" "$package" gitTreeState=clean
  done
}

# compile MODULE PACKAGE TO [LDFLAGS]: niced, because it takes minutes and others work here too.
compile() {
  has go || die "Go is missing: install Go 1.21 or newer (https://go.dev/dl), or the tools themselves: kind, kubectl, helm"
  mkdir -p "$(dirname "$3")"
  (cd "$HERE/mods/$1" && CGO_ENABLED=0 nice go build -buildvcs=false -trimpath -ldflags "${4:-$LD_SMALL}" -o "$3.$$" "$2")
  mv "$3.$$" "$3"
}

# at_least WANTED VERSION: both like v1.2.3
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# Each answers whether the tool that PATH finds (the cached one first) will do.
kind_ok() { has kind && at_least v0.30.0 "v$(kind version -q)"; }
kubectl_ok() {
  local minor
  has kubectl || return
  minor=$(kubectl version --client 2>/dev/null | sed -n 's/^Client Version: v1\.\([0-9]*\).*/\1/p')
  case $minor in 33 | 34 | 35) ;; *) return 1 ;; esac
}
helm_ok() { has helm && at_least v3.18.0 "$(helm version --template '{{.Version}}' 2>/dev/null)"; }

tools_missing() {
  kind_ok || echo kind
  kubectl_ok || echo kubectl
  helm_ok || echo helm
}

build_tool() {
  case $1 in
    kind) compile kind sigs.k8s.io/kind "$TOOLS/kind" ;;
    kubectl) compile kubernetes k8s.io/kubernetes/cmd/kubectl "$TOOLS/kubectl" "$(kubernetes_ldflags)" ;;
    helm) compile helm helm.sh/helm/v4/cmd/helm "$TOOLS/helm" "$LD_SMALL -X helm.sh/helm/v4/internal/version.version=$HELM" ;;
  esac
}

tools_up() {
  local tool missing
  missing=$(tools_missing)
  [ -n "$missing" ] || return 0
  lock 7 "$CACHE/lock"
  for tool in $missing; do
    steps 1
    # Another clone may have built it while we waited.
    "${tool}_ok" || step "build $tool" build_tool "$tool"
  done
  exec 7>&-
}
