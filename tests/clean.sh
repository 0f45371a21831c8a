#!/usr/bin/env bash
# Removes what a killed demo or test left: its processes, guests, namespaces, links, rules and overlays. Needs root.
# Agents that really serve on this machine are not of a world, and are left alone.
set -uo pipefail

# Whoever has a world up holds this file.
exec 9>>/run/vmatrix-world
if ! flock --nonblock 9; then
    holder=$(sed -n 's/^process \([0-9]*\)$/ (process \1)/p' /run/vmatrix-world)
    echo "clean: a demo or test is running on this machine$holder; nothing was removed" >&2
    exit 0
fi

# Everything that a world starts carries this mark, and so does all that those programs start: guests outlive agents.
of_a_world() {
    local environment
    for environment in /proc/[0-9]*/environ; do
        grep -qzx 'VMATRIX_IN_WORLD=1' "$environment" 2>/dev/null && basename "$(dirname "$environment")"
    done | grep -vx -e "$$" -e "$PPID"
}
# A test of single VMs starts them itself, in its own folder. It holds the file above as long as it runs.
of_a_test() { pgrep -f '^qemu-system-x86_64 .*/var/tmp/vmatrix-vm\.'; }
for _ in 1 2 3 4 5; do
    pids=$(of_a_world; of_a_test)
    [ -n "$pids" ] || break
    # shellcheck disable=SC2086 # a list of numbers
    kill -9 $pids 2>/dev/null
    sleep 0.1
done

# What still has a process now is no world's: a VM of an agent that really serves here, running or stopped for an upgrade.
real=$(pgrep -x vmatrix-agent)
for namespace in $(ip netns list 2>/dev/null | awk '{ print $1 }' | grep '^vmx-'); do
    if [ -n "$(ip netns pids "$namespace" 2>/dev/null)" ]; then
        real=yes
        continue
    fi
    slot=$(sed -n 's/^vmx-\([0-9a-f]\{8\}\)-s\([0-9]*\)$/vx\1s\2/p' <<<"$namespace")
    [ -n "$slot" ] && [ -n "$real" ] && [ -e "/sys/class/net/$slot" ] && continue
    ip netns delete "$namespace"
done
for link in /sys/class/net/vmx*; do
    [ -e "$link" ] && ip link delete "$(basename "$link")" 2>/dev/null
done
if [ -z "$real" ]; then
    for link in /sys/class/net/vx????????s*; do
        [ -e "$link" ] && ip link delete "$(basename "$link")" 2>/dev/null
    done
    if command -v nft >/dev/null; then
        nft list tables 2>/dev/null | awk '$3 ~ /^vmatrix_/ { print $2, $3 }' | while read -r family table; do
            nft delete table "$family" "$table"
        done
    fi
fi

# The tests' database. Anybody may make such a directory, so only the database's own user and program count.
for dir in /tmp/vmatrix-postgres.*; do
    [ -d "$dir" ] && [ ! -L "$dir" ] && [ "$(stat -c %U "$dir")" = postgres ] || continue
    # Whoever started it may still run tests that need no world.
    owner=$(cut -d. -f2 <<<"$dir")
    tr '\0' ' ' 2>/dev/null <"/proc/$owner/cmdline" | grep -q 'run test' && continue
    pid=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null)
    [[ "$pid" =~ ^[0-9]+$ ]] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = postgres ] && kill -QUIT "$pid"
    rm -rf "$dir"
done
findmnt --raw --noheadings --output TARGET | grep '^/var/tmp/vmatrix-vm\.' | xargs --no-run-if-empty umount --lazy
rm -rf /var/tmp/vmatrix-world.* /var/tmp/vmatrix-vm.*
: >/run/vmatrix-world
exit 0
