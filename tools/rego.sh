#!/usr/bin/env bash
# Format, strict check and tests of the Rego policies, in both engines, with the pinned OPA: as an
# administrator has them checked. Every rule has to come out in some test.
set -euo pipefail
cd "$(dirname "$0")/.."
opa=.cache/opa
unformatted=$("$opa" fmt --list policies)
if [ -n "$unformatted" ]; then
  echo "opa fmt would change: $unformatted" >&2
  exit 1
fi
sallyport() { .venv/bin/python -m gateway.cli "$@"; }
sallyport policy check policies --opa "$opa"
sallyport policy test policies --opa "$opa" --min-rules 100
