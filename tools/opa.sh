#!/usr/bin/env bash
# Gets the pinned OPA into .cache/opa. Nothing to do, and no network, once it is there.
#
# It is built from the Go module, whose hash is pinned here; the module's own go.sum pins all the rest.
# The digest of what was built is kept beside it and checked on every run. For a Go release and
# platform listed in tools/opa.digests the build must also give the digest listed there.
#
# Ends with 0 (it is there), 3 (it can't be had on this machine) or 1 (something is wrong with it).
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.22.2
module=github.com/open-policy-agent/opa
module_hash=h1:WzqReKk2VjcvBN/NQTlcIxKqFPKpzIdb6KYMHzPEbe0=

mkdir -p "${SALLYPORT_CACHE:-.cache}"
cache=$(cd "${SALLYPORT_CACHE:-.cache}" && pwd)
opa=$cache/opa
record=$cache/opa.sha256
known=tools/opa.digests

digest() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1
}

says_version() { [ "$("$1" version | sed -n 's/^Version: //p')" = "$version" ]; }

cannot() {
  echo "OPA $version can't be had here: $1" >&2
  echo "Install Go (https://go.dev/dl), or put a build of $module@v$version and its SHA-256 at $opa and $record." >&2
  exit 3
}

if [ -x "$opa" ] && [ -f "$record" ]; then
  if [ "$(digest "$opa")" = "$(cut -d' ' -f1 "$record")" ] && says_version "$opa"; then
    exit 0
  fi
  echo "$opa is not OPA $version as recorded in $record; getting it anew" >&2
fi

go=${GO:-$(command -v go || true)}
[ -n "$go" ] || { [ -x /usr/local/go/bin/go ] && go=/usr/local/go/bin/go; } || cannot "there is no Go"
work=$(mktemp -d "$cache/opa.XXXXXX")
trap 'rm -rf "$work"' EXIT

# No setting of the caller's switches the checksum database off.
unset GOFLAGS GOSUMDB GONOSUMDB GONOSUMCHECK GOPRIVATE GOINSECURE GONOPROXY
export CGO_ENABLED=0

field() { sed -n "s/^[[:space:]]*\"$1\": \"\(.*\)\",\{0,1\}$/\1/p" "$work/module.json"; }
if ! (cd "$work" && "$go" mod download -json "$module@v$version" >module.json 2>error); then
  if grep -q "SECURITY ERROR" "$work/error" "$work/module.json"; then
    echo "what was downloaded as $module@v$version is not what everybody else gets: do not use it" >&2
    exit 1
  fi
  cannot "its module could not be downloaded ($(tail -n 1 "$work/error"))"
fi
if [ "$(field Sum)" != "$module_hash" ]; then
  echo "the module's hash is $(field Sum), not $module_hash: do not use it" >&2
  exit 1
fi

echo "building OPA $version; this takes a minute or two" >&2
"$go" build -C "$(field Dir)" -mod=readonly -trimpath -buildvcs=false -o "$work/opa" . ||
  cannot "it could not be built"

made=$(digest "$work/opa")
platform="$("$go" env GOVERSION) $("$go" env GOOS)/$("$go" env GOARCH)"
listed=$(sed -n "s|^$platform ||p" "$known")
if [ -n "$listed" ] && [ "$listed" != "$made" ]; then
  echo "the build's digest is $made, not $listed as listed for $platform: do not use it" >&2
  exit 1
fi
says_version "$work/opa" || { echo "the build does not say it is $version" >&2; exit 1; }
mv "$work/opa" "$opa"
echo "$made  opa  # $platform" >"$record"
echo "OPA $version is at $opa, SHA-256 $made" >&2
