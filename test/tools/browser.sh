#!/usr/bin/env bash
# Makes sure that a Chromium is here for the tests of the game's page (GAMEFLEET_CHROMIUM names another).
set -euo pipefail

[ -x "${GAMEFLEET_CHROMIUM:-/usr/bin/chromium}" ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "installing chromium"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
  echo "please install Chromium (Debian: sudo apt-get install chromium) or set GAMEFLEET_CHROMIUM" >&2
  exit 1
fi
