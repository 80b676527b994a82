#!/bin/sh
# One agency's set-up in compose.yaml: its folder and keys, policies, mappings, legacy files, peers.
# Run again it does only what is missing. It overwrites nothing that an administrator edited.
#
# Here the agencies hand each other their public entries through a shared volume. Between real
# agencies they go from hand to hand, and a person compares the keys.
set -eu
umask 077

home=${SALLYPORT_HOME:?the gateway\'s folder}
share=${SHARE:-/usr/share/sallyport}
import=${IMPORT:-/import}
entries=${ENTRIES:-/entries}

if [ ! -f "$home/sallyport.toml" ]; then
  sallyport init "$home" --ori "$AGENCY_ORI" --name "$AGENCY_NAME" --url "$AGENCY_URL" \
    --host 127.0.0.1 --port 8443
fi

fill() {
  if [ -d "$1" ] && [ -z "$(ls -A "$2")" ]; then
    cp -R "$1/." "$2/"
    chmod -R u+rwX,go-rwx "$2"
  fi
}
fill "$share/policies" "$home/policies"
fill "$import/mappings" "$home/mappings"
fill "$import/sources" "$home/sources"

sallyport keys show >"$entries/.$AGENCY_ORI"
mv "$entries/.$AGENCY_ORI" "$entries/$AGENCY_ORI.yaml"

for peer in $AGENCY_PEERS; do
  seconds=0
  until [ -f "$entries/$peer.yaml" ]; do
    if [ "$seconds" -ge "${PATIENCE:-60}" ]; then
      echo "init: $peer did not hand over its public entry" >&2
      exit 1
    fi
    sleep 1
    seconds=$((seconds + 1))
  done
  grep -q "ori: [\"']\{0,1\}$peer" "$home/peers.yaml" || sallyport peer add "$entries/$peer.yaml"
done

# Drafts that all parties agreed on: each signs the same text, and the gateways hand each other the
# signatures once they run. A file's name is the agreement's id.
for draft in "$import"/agreements/*.yaml; do
  [ -f "$draft" ] && grep -q "^- $AGENCY_ORI$" "$draft" || continue
  [ -d "$home/agreements/$(basename "$draft" .yaml)" ] || sallyport agreement sign "$draft" --yes
done

if [ -n "$(ls -A "$home/mappings")" ] && [ -n "$(ls -A "$home/sources")" ]; then
  sallyport import
fi
