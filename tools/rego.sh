#!/usr/bin/env bash
# Format, strict check and tests of the Rego policies, with the pinned OPA.
set -euo pipefail
cd "$(dirname "$0")/.."
opa=.cache/opa
unformatted=$("$opa" fmt --list policies)
if [ -n "$unformatted" ]; then
  echo "opa fmt would change: $unformatted" >&2
  exit 1
fi
"$opa" check --strict --bundle policies
"$opa" test --bundle policies
