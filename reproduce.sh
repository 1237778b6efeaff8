#!/bin/sh
# ./reproduce.sh [CLAIM ...]   makes the small models anew on this machine, and compares what they say with git: hours
# ./reproduce.sh --quick       the same with the models of the quickstart: minutes
#
# Without names of claims, such as C7 C11, all that the small models answer. The hours are told first. Work is done in
# .quickstart/, nothing recorded is touched, and the same command goes on where it stopped. Ends with report.json and a
# line for each claim. Exit code 0: all the same, 1: something is not, 2: something is missing, in one line.
set -eu
cd "$(dirname "$0")"

case "${1:-}" in
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
    exit
    ;;
esac

refuse() { # refuse LINE: what is wrong and what to do
    echo "error: $1" >&2
    exit 2
}

have_python() { # one that pyproject.toml allows, and that can make an environment
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        "$python" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
            2>/dev/null && return
    done
    return 1
}

missing() { # packages of Debian and Ubuntu
    command -v make >/dev/null || printf ' make'
    command -v git >/dev/null || printf ' git'
    have_python || printf ' python3-venv'
}

packages=$(missing)
if [ -n "$packages" ]; then
    command -v apt-get >/dev/null || refuse "missing:$packages (so named in Debian): install them, then call this again"
    as_root=
    [ "$(id -u)" = 0 ] || as_root="sudo "
    update="${as_root}apt-get update"
    install="${as_root}env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends$packages"
    answer=
    if [ -t 0 ]; then
        printf '%s' "missing:$packages. Call \`$update && $install\` now? [y/N] "
        read -r answer
    fi
    [ "$answer" = y ] || refuse "missing:$packages: call \`$update && $install\`, then this again"
    { $update --quiet=2 && $install; } || refuse "apt-get failed, see above: mend that, then call this again"
    have_python || refuse "Python 3.11 to 3.14 is needed: install one, or use Debian 12, Ubuntu 24.04 or newer"
fi

make --silent .venv/ready ||
    refuse "the Python environment was not made, see above; \`make doctor\` tells what this machine lacks"
exec .venv/bin/python -m pipeline reproduce "$@"
