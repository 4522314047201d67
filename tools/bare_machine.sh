#!/bin/sh
# The README's commands on a machine that has only Python and make: a new user with an empty home stands in for it, and
# nothing of our own environment (paths, caches, settings) comes along. Needs root, to make the user; removes it at the end.
# Usage: tools/bare_machine.sh ["COMMAND" ...]      (each is run in a fresh clone; without any: the README's two)
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || {
    echo "counterfoil: making a user needs root" >&2
    exit 1
}
# The whole `make test` takes minutes; what can go wrong on a bare machine is its environment and its PostgreSQL.
[ $# -gt 0 ] || set -- "make demo ARGS='--exit-when-synced'" "make test ARGS='tests/unit tests/integration/test_databases.py'"

user=bare$$
useradd --create-home --shell /bin/sh "$user"
home=$(getent passwd "$user" | cut -d: -f6)
trap 'userdel --remove "$user" >/dev/null 2>&1' EXIT
trap 'exit 130' INT TERM
git clone --quiet --no-hardlinks . "$home/counterfoil"
chown -R "$user" "$home/counterfoil"

for command in "$@"; do
    echo "== $command" >&2
    (cd "$home/counterfoil" && runuser -u "$user" -- env -i HOME="$home" USER="$user" LANG=C.UTF-8 \
        PATH=/usr/local/bin:/usr/bin:/bin sh -c "$command")
done
