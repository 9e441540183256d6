# shellcheck shell=bash
# A small Debian base image for what is built here because no image registry answers.

DEBIAN=gamefleet/debian:bookworm-$RECIPE

may_build_debian() {
  may_install || die "no image registry answers, and building images here needs root on Debian: run as root there, or connect to a registry"
}

debian_image() {
  local root
  have_image "$DEBIAN" && return
  may_build_debian
  need debootstrap debootstrap
  root=$(mktemp -d "$CACHE/debian.XXXXXX")
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root"
  echo 'deb http://deb.debian.org/debian-security bookworm-security main' >>"$root/etc/apt/sources.list"
  # What the public slim images do: no documents, no recommended packages, no services at install.
  printf 'path-exclude=/usr/share/%s/*\n' doc man info locale lintian >"$root/etc/dpkg/dpkg.cfg.d/slim"
  printf 'APT::Install-Recommends "false";\nDPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin"; };\n' >"$root/etc/apt/apt.conf.d/slim"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  rm -rf "$root"/usr/share/{doc,man,info,locale}/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/log/*
  # A build in a container goes out through the same network as we do, so trusts whom we trust.
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  tar -C "$root" --numeric-owner -c . | docker import -c 'CMD ["bash"]' \
    -c 'ENV DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "$DEBIAN"
  rm -rf "$root"
}

# build TAG CONTEXT ARG…: --network host, because only that way leads out of here.
build() {
  local tag=$1 context=$2
  shift 2
  docker build --network host -t "$tag" "$@" "$context"
}
