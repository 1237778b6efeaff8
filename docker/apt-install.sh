#!/bin/sh
# apt-install.sh SNAPSHOT PACKAGE...: installs Debian or Ubuntu packages and leaves no lists behind. With a snapshot
# (20261101T000000Z) they come from Ubuntu's archive as it was at that moment, and from no other source that the base
# image names; without one ("") from the sources of the base image.
set -eu
snapshot=$1
shift
if [ -n "$snapshot" ]; then
    . /etc/os-release
    rm -f /etc/apt/sources.list.d/*
    for suite in "$VERSION_CODENAME" "$VERSION_CODENAME-updates" "$VERSION_CODENAME-security"; do
        echo "deb [signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg]" \
            "https://snapshot.ubuntu.com/ubuntu/$snapshot $suite main universe"
    done >/etc/apt/sources.list
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends "$@" >/dev/null
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log /var/cache/ldconfig/aux-cache
