#!/usr/bin/env bash
# Sees to the few things that the checks need from the system: Python 3.11 with venv, git, make, OPA,
# HAProxy, which stands before the gateways in deploy/, and PostgreSQL's programs.
# Installs only what is missing, and only as root on a system with apt; else it says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
missing=()
command -v git >/dev/null || missing+=(git)
command -v make >/dev/null || missing+=(make)
command -v "$python" >/dev/null || missing+=(python3)
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
command -v haproxy >/dev/null || missing+=(haproxy)
# The tests run a PostgreSQL of their own, in a folder of theirs: no service is needed.
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  else
    echo "Please install: ${missing[*]}" >&2
    exit 1
  fi
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Sallyport needs Python 3.11 or newer; give another one with PYTHON=python3.12" >&2
  exit 1
}

# Without OPA its checks are skipped aloud; under CI=true that is a failure.
bash tools/opa.sh || {
  status=$?
  if [ "$status" -ne 3 ] || [ "${CI:-}" = true ]; then exit "$status"; fi
}
