#!/usr/bin/env bash
# Builds docker/Dockerfile with Podman on a stand-in for its base images, and runs the pipeline in it.
#
# The stand-in is this machine's own Debian or Ubuntu, made by debootstrap, with its Python and torch's CPU wheel: it
# shows that the Dockerfile, its users, mounts and signals work, not that the pinned bases, CUDA and mamba-ssm do.
# Exit code 77, with the reason, where this machine does not let it run. Needs root; leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."

unknown_user=12345:23456 # in no passwd file
image=localhost/gam-check
outside=.quickstart/stories/results/curves
python=$PWD/.venv/bin/python
tools=$PWD/.venv/tools/bin

cannot() {
    echo "docker/check.sh cannot run here: $*"
    exit 77
}
say() { printf '\n== %s (%d s since the start)\n' "$*" "$SECONDS"; }
fail() {
    echo "docker/check.sh: $*" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || cannot "it needs root"
[ -x "$python" ] && [ -x "$tools/uv" ] || cannot "the environment is missing: make docker-check makes it"
command -v apt-get >/dev/null || cannot "it needs Debian or Ubuntu, for debootstrap"
# shellcheck source=/dev/null
. /etc/os-release
apt_mirror() {
    apt-get indextargets --format "\$(REPO_URI)" "Codename: $VERSION_CODENAME" "Component: main" | head -n 1
}
missing=
for package in podman runc debootstrap catatonit; do
    dpkg-query --show --showformat '${Status}' $package 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
done
if [ -n "$missing" ] || [ -z "$(apt_mirror)" ]; then
    # shellcheck disable=SC2086
    { apt-get update -qq && apt-get install -qq -y --no-install-recommends $missing; } >/dev/null 2>&1 ||
        cannot "$missing cannot be installed"
fi
mirror=$(apt_mirror)

# Everything lies in here, Podman's storage too.
house=$(mktemp -d /var/tmp/gam-check.XXXXXX)
export CONTAINERS_CONF=$house/containers.conf CONTAINERS_STORAGE_CONF=$house/storage.conf
clean_up() {
    {
        podman rm --all --force --time 0
        podman rmi --all --force
        podman volume rm --all --force
        find /sys/fs/cgroup -depth -type d -path '*/libpod_parent*' -exec rmdir {} +
        grep -o " ${house}[^ ]*" /proc/self/mounts | sort --reverse | xargs --no-run-if-empty umount --lazy
    } >/dev/null 2>&1 || true
    rm -rf --one-file-system "$house"
}
trap clean_up EXIT
cat >"$CONTAINERS_CONF" <<END
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
volume_path = "$house/volumes"
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$house/libpod"
END
cat >"$CONTAINERS_STORAGE_CONF" <<END
[storage]
driver = "overlay"
graphroot = "$house/storage"
runroot = "$house/run"
END
podman info >"$house/info.log" 2>&1 || cannot "$(tail -n 1 "$house/info.log")"

version=$(sed -n 's/^VERSION_ID="\?\([^"]*\)"\?/\1/p' /etc/os-release)
case $ID-$version in
    debian-12) minor=3.11 ;;
    ubuntu-24.04) minor=3.12 ;;
    *) cannot "$PRETTY_NAME has neither Python 3.11 nor 3.12" ;;
esac

say "A stand-in base image, $PRETTY_NAME by debootstrap, and a lock of the CPU environment"
root=$house/root
env -u TMPDIR -u COMPONENTS debootstrap --variant=minbase --include=ca-certificates \
    "$VERSION_CODENAME" "$root" "$mirror" >"$house/debootstrap.log" 2>&1 &
bootstrapped=$!
torch=$(sed -n 's/^torch==\([0-9.]*\).*/\1/p' docker/requirements.lock)
wheel() {
    "$python" -m pip download --quiet --no-deps --dest "$house/wheels" --python-version "$minor" \
        --only-binary :all: "$@" "torch==$torch+cpu" >/dev/null 2>&1
}
wheel || wheel --retries 0 --index-url https://download.pytorch.org/whl/cpu || cannot "no CPU wheel of torch $torch"
mkdir "$house/context" "$house/tmp"
cp -r docker .dockerignore "$house/context"
UV_FIND_LINKS=$house/wheels PATH=$tools:$PATH docker/lock.sh "$minor" pipeline,test \
    "$house/context/docker/check.lock" "$house/context/docker/check-source.lock"
wait $bootstrapped || cannot "debootstrap: $(tail -n 1 "$house/debootstrap.log")"
find /usr/local/share/ca-certificates -name '*.crt' -exec cp --target-directory "$root/usr/local/share/ca-certificates" {} + 2>/dev/null || true
env -u TMPDIR chroot "$root" update-ca-certificates >/dev/null 2>&1
# Where the build finds torch's CPU wheel.
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\nfind-links = /wheels\n' >"$root/etc/pip.conf"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
tar --directory "$root" --numeric-owner --create . | podman import --quiet - localhost/standin-base >/dev/null
rm -rf --one-file-system "$root"

say "The image"
start=$SECONDS
TMPDIR=$house/tmp podman build --quiet --pull-never --isolation chroot --format docker --layers=false --jobs 2 --network host \
    --volume "$house/wheels:/wheels:ro" \
    --build-arg BUILD_IMAGE=localhost/standin-base --build-arg RUN_IMAGE=localhost/standin-base \
    --build-arg PYTHON="python$minor" --build-arg APT_SNAPSHOT= \
    --build-arg LOCK=check.lock --build-arg SOURCE_LOCK=check-source.lock \
    --build-arg REVISION="$(git rev-parse HEAD)" \
    --tag $image --file "$house/context/docker/Dockerfile" "$house/context" >"$house/build.log" 2>&1 ||
    { cat "$house/build.log" >&2; fail "the Dockerfile does not build"; }
echo "built in $((SECONDS - start)) s, $(podman image inspect --format '{{.Size}}' $image | awk '{printf "%.2f GB", $1 / 1e9}')"

# The repository as it stands here, changes included, in the hands of a user whom the image does not know.
repository=$house/repository
git clone --quiet . "$repository"
git ls-files -z --cached --others --exclude-standard | xargs -0 --no-run-if-empty ls -d 2>/dev/null |
    tar --create --files-from - | tar --extract --directory "$repository"
chown -R "$unknown_user" "$repository"

options=(--no-healthcheck --network none --read-only --tmpfs /tmp --cap-drop all --security-opt no-new-privileges
    --user "$unknown_user")
cache=(--volume gam-check-cache:/cache)
mount=(--volume "$repository:/repo")
run_in() { # run_in FOLDER COMMAND...
    podman run --rm "${options[@]}" "${cache[@]}" "${mount[@]}" --workdir "$1" $image "${@:2}" 2> >(grep -v "^note: no GPU" >&2)
}
inside() { run_in /repo "$@"; }

say "What bad input gets"
refuses() { # refuses EXIT-CODE TEXT OPTION... -- COMMAND...: one line on stderr with the text, and the exit code
    local expected=$1 text=$2 given=() code=0
    shift 2
    while [ "$1" != -- ]; do given+=("$1") && shift; done
    shift
    podman run --rm "${options[@]}" "${given[@]}" $image "$@" >/dev/null 2>"$house/stderr" || code=$?
    grep -v '^note: ' "$house/stderr" >"$house/errors" || true
    cat "$house/errors"
    if [ $code != "$expected" ] || [ "$(wc -l <"$house/errors")" != 1 ] || ! grep -qF -- "$text" "$house/errors"; then
        fail "exit code $code, expected $expected and one line with: $text"
    fi
}
refuses 2 "/cache is read-only" "${mount[@]}" -- true
refuses 2 "/repo is read-only" "${cache[@]}" --volume "$repository:/repo:ro" -- true
# shellcheck disable=SC2016
refuses 2 '--user "$(id -u):$(id -g)"' "${cache[@]}" "${mount[@]}" --user 54321:54321 -- true
refuses 127 "no-such-command" "${cache[@]}" "${mount[@]}" -- no-such-command
refuses 2 "--gpus all" "${cache[@]}" "${mount[@]}" -- python -c '
from pipeline.base.errors import exit_cleanly
from pipeline.params.schema import load_params
from pipeline.machine.setup import start
exit_cleanly(lambda: start(load_params().runtime.model_copy(update={"device": "cuda"})))'

say "torch.compile finds its compiler; docker stop in the middle of a training, and on"
inside python -c 'import torch; print("compiled:", torch.compile(lambda x: x.sin().sum())(torch.ones(9)).item())' &
compiled=$!
inside python docker/check_parts.py prepare
wait $compiled || fail "torch.compile does not work"
newest_save() { find "$repository/stopped/work" -name 'step-*' 2>/dev/null | sort | tail -n 1; }
save=
for init in "" --init; do
    # shellcheck disable=SC2086
    podman run --detach --name stopped $init "${options[@]}" "${cache[@]}" "${mount[@]}" --workdir /repo/stopped $image \
        dvc repro train@stories-gam-0 >/dev/null
    deadline=$((SECONDS + 120))
    while [ "$(newest_save)" = "$save" ]; do
        sleep 0.1
        [ $SECONDS -lt $deadline ] || { podman logs stopped && fail "the training saved nothing in two minutes"; }
    done
    start=$(date +%s%N)
    podman stop --time 30 stopped >/dev/null
    milliseconds=$((($(date +%s%N) - start) / 1000000))
    podman logs stopped 2>&1 | grep -o "stopped by SIGTERM, everything is saved" || { podman logs stopped; fail "nothing was saved"; }
    code=$(podman inspect --format '{{.State.ExitCode}}' stopped)
    podman rm stopped >/dev/null
    save=$(newest_save)
    echo "${init:-without --init}: gone after $milliseconds ms with exit code $code"
done
run_in /repo/stopped dvc repro train@stories-gam-0 | grep "going on after step" ||
    fail "the training did not go on from its save"
inside python docker/check_parts.py same

say "The quickstart"
start=$SECONDS
inside python -m pipeline quickstart | tail -n 18
echo "quickstart inside: $((SECONDS - start)) s"
PYTHONPATH=. "$python" docker/check_parts.py compare "$outside" "$repository/$outside"

say "Tests: what the libraries of the image could change; the quickstart above has run the stages"
inside python -m pytest -q -p no:cacheprovider --numprocesses=2 --dist=loadfile \
    tests/{docker,gam} tests/pipeline/{artifacts,machine} tests/pipeline/test_{fetch,rooms,tables,tokenise}.py

others=$(find "$repository" ! -user "${unknown_user%:*}" -o ! -group "${unknown_user#*:}" | head -n 3)
[ -z "$others" ] || fail "files of another owner were left: $others"
say "All passed"
