# shellcheck shell=bash disable=SC2034,SC2154
# What tools/run and tools/test need installed, for the bash scripts of this repository. Everything here does nothing
# when it is done already, so that a second run is quick, and returns what failed. $root: the repository.

. "$root/tools/lib/node.sh"

packages_build=(build-essential ccache cmake ninja-build pkg-config protobuf-c-compiler libprotobuf-c-dev
    clang-14 bpftool libbpf-dev linux-libc-dev libevent-dev uthash-dev libwebsockets-dev libjansson-dev libssl-dev libsrtp2-dev libcurl4-openssl-dev libcmocka-dev libedit-dev libncurses-dev)
if [ "$(dpkg --print-architecture)" = amd64 ]; then
    packages_build+=(libipsec-mb-dev) # used where there is one
fi
packages_run=(curl openssl ca-certificates hostname)
packages_test=(clang-14 libclang-rt-14-dev llvm-14 chromium firefox-esr fonts-dejavu-core curl openssl ca-certificates coturn
    ffmpeg gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good iproute2 nftables)

# packages_install NAME…: installs those Debian packages that are missing.
packages_install()
{
    local name missing=()
    for name in "$@"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" != installed ]; then
            missing+=("$name")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "These packages are missing; install them as root: ${missing[*]}" >&2
        return 1
    fi
    echo "Installing: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q &&
        apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# node_install: a Node of version 20 or newer first in PATH, and npm. Debian 12's Node is 18: then npm's package of
# the newer one goes into build/node.
node_install()
{
    local node
    if ! command -v npm >/dev/null; then
        packages_install nodejs npm || return
    fi
    if ! node_find "$root" >/dev/null; then
        mkdir -p "$root/build/node"
        npm install --prefix "$root/build/node" --no-save --no-audit --no-fund node@22 || return
    fi
    node=$(node_find "$root") || return
    PATH="$(dirname "$node"):$PATH"
    export PATH
}

# modules_install FOLDER: what FOLDER/package-lock.json names, once for each state of that file.
modules_install()
{
    local lock=$1/package-lock.json installed=$1/node_modules/.installed-lock
    if ! cmp -s "$lock" "$installed"; then
        (cd "$1" && npm ci --no-audit --no-fund) && cp "$lock" "$installed"
    fi
}

# demo_build: the demo page, when its sources are newer than it.
demo_build()
{
    local demo=$root/tools/demo
    modules_install "$demo" || return
    if [ ! -e "$demo/dist/index.html" ] ||
        [ -n "$(find "$demo" -path "$demo/node_modules" -prune -o -path "$demo/dist" -prune -o \
            -type f -newer "$demo/dist/index.html" -print -quit)" ]; then
        (cd "$demo" && npm run build) && touch "$demo/dist/index.html"
    fi
}
