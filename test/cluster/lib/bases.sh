# shellcheck shell=bash
# The images that ours stand on: public where they can be pulled, else built here from Debian's
# packages and npm's under the same names, so that everything else is the same either way.

NODE_VERSION=26.10.0 # of these two, too, RECIPE is the key
NPM_VERSION=11.21.2
BASES="$NODE_BASE $REDIS_IMAGE $POSTGRES_IMAGE"
BASES_KEY=$(hash_of bases)
BASES_FILE=$CACHE/images/bases-$BASES_KEY.tar.zst

# A public image has no label of ours and is always right; one built here must be of this recipe.
base_ok() {
  local key
  key=$(docker image inspect -f '{{index .Config.Labels "gamefleet.dev/base"}}' "$1" 2>/dev/null) || return 1
  [ -z "$key" ] || [ "$key" = "$BASES_KEY" ]
}
missing_bases() {
  local image
  for image in $BASES; do base_ok "$image" || echo "$image"; done
}

bases_up() {
  local image
  [ -n "$(missing_bases)" ] || return 0
  lock 7 "$CACHE/lock"
  if [ -f "$BASES_FILE" ]; then
    steps 1
    step "load base images from the cache" restore "$BASES_FILE"
  fi
  for image in $(missing_bases); do
    steps 1
    step "get $image" get_base "$image"
  done
  # Only what was built here is worth keeping; what was pulled can be pulled again.
  if [ ! -f "$BASES_FILE" ] && have_image "$DEBIAN"; then
    steps 1
    # shellcheck disable=SC2086  # a list of names
    step "keep base images in the cache" save "$BASES_FILE" $BASES
  fi
  exec 7>&-
}

get_base() {
  local name=${1%%:*} work
  pull "$1" && return
  debian_image
  work=$(mktemp -d "$CACHE/base.XXXXXX")
  cp "$HERE"/bases/"$name"* "$work/"
  [ "$name" != node ] || fetch_node "$work"
  build "$1" "$work" -f "$work/$name.Dockerfile" --build-arg "DEBIAN=$DEBIAN" --label "gamefleet.dev/base=$BASES_KEY"
  rm -rf "$work"
}

# npm checks the packages against the registry's hashes.
fetch_node() { # DIRECTORY
  local machine=x64
  [ "$(uname -m)" != aarch64 ] || machine=arm64
  (
    cd "$1" || exit
    npm pack --silent "node-linux-$machine@$NODE_VERSION" "npm@$NPM_VERSION"
    tar -xzf node-linux-*.tgz package/bin/node
    mkdir npm
    tar -xzf npm-*.tgz -C npm --strip-components 1
    rm ./*.tgz
  )
}
