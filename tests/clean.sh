#!/usr/bin/env bash
# Removes what a killed run left: processes in our namespaces, namespaces, taps, bridges, nft tables, overlays. Needs root.
set -uo pipefail

for namespace in $(ip netns list 2>/dev/null | awk '{ print $1 }' | grep '^vmx-'); do
    ip netns pids "$namespace" 2>/dev/null | xargs -r kill -9
    ip netns delete "$namespace"
done
# Guests outlive their agents by design, so they are found by their data directory, not by a parent.
pgrep -f '^[^ ]*qemu-system-[^ ]* .*vmatrix-world' | xargs -r kill -9
pgrep -f '^[^ ]*vmatrix-(wan|agent)( |$)' | xargs -r kill -9
for link in $(ip -o link show 2>/dev/null | awk -F': ' '{ print $2 }' | cut -d@ -f1 | grep '^vmx'); do
    ip link delete "$link" 2>/dev/null
done
if command -v nft >/dev/null; then
    nft list tables 2>/dev/null | awk '$3 ~ /^vmatrix_/ { print $2, $3 }' | while read -r family table; do
        nft delete table "$family" "$table"
    done
fi
rm -rf /tmp/vmatrix-world.* /tmp/vmatrix-postgres.*
exit 0
