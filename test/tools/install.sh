#!/usr/bin/env bash
# Installs Node (as a package of its own) and all packages, exactly as package-lock.json says.
# Any Node that can run npm will do for this; everything after it runs on the pinned one.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v npm >/dev/null; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "installing npm"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm >/dev/null
  else
    echo "please install Node.js with npm (any version from 18): https://nodejs.org" >&2
    exit 1
  fi
fi

echo "installing packages"
started=$SECONDS
# Engine warnings speak of the outer Node, which only runs npm. No package needs an install script.
if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; then
  echo "npm ci failed: is the npm registry reachable?" >&2
  exit 1
fi
touch node_modules/.package-lock.json
echo "packages installed in $((SECONDS - started)) s, Node $(npx --no-install node --version 2>/dev/null)"
