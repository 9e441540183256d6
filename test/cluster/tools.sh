#!/usr/bin/env bash
# Make sure that kind, kubectl and helm exist (see lib/tools.sh). `eval "$(env.sh)"` finds them.
. "$(dirname "$0")/lib/core.sh"
use tools
begin
tools_up
say "kind, kubectl and helm are ready"
