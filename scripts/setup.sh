#!/usr/bin/env bash
# Make .venv and install what a window needs. Quick when there is nothing to do; safe to run again after a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

# What Qt 6, vispy and a virtual display need beyond a bare Debian; xauth is only *recommended* by xvfb.
PACKAGES=(
    xvfb xauth libgl1 libegl1 libopengl0 libgl1-mesa-dri libglib2.0-0 libfontconfig1 libdbus-1-3
    libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-image0
    libxcb-render-util0 libxcb-xinerama0 libxcb-randr0 libxcb-xfixes0 libxcb-xkb1
)
# Below WeasyPrint, for reports as PDF. Older systems do not have all by these names, and all else works without.
PDF_PACKAGES=(libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0)

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# apt_install PACKAGE...: false where this machine or this account cannot.
apt_install() {
    local root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null && sudo -n true 2>/dev/null || return 1
        root=(sudo -n)
    fi
    say "installing $*"
    "${root[@]}" apt-get -qq update </dev/null || say "apt-get update failed; trying with what is known"
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "$@" </dev/null >/dev/null
}

window_libraries() {
    [ "$(uname -s)" = Linux ] || return 0
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || command -v xvfb-run >/dev/null ||
            fail "there is no display and no xvfb-run; install Xvfb and Mesa's software OpenGL, then try again."
        return 0
    fi
    local missing=() package
    for package in "${PACKAGES[@]}"; do installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} = 0 ] && return 0
    apt_install "${missing[@]}" && return 0
    if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || command -v xvfb-run >/dev/null; then
        say "could not install ${missing[*]}; going on, but if the window does not open, an administrator should."
    else
        fail "a window needs packages that this account cannot install. Run: sudo apt-get install ${missing[*]}"
    fi
}

pdf_libraries() {
    [ "$(uname -s)" = Linux ] && command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || return 0
    local missing=() package
    for package in "${PDF_PACKAGES[@]}"; do installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}" ||
        say "could not install ${missing[*]}: reports are written as HTML, not as PDF."
}

find_python() {
    local python
    for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$python"; return; }
    done
    fail "Python 3.11 or newer is needed; name one with PYTHON=/path/to/python."
}

make_venv() {
    local python=$1
    "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv ||
        fail "$python has no venv. Run: sudo apt-get install python3-venv"
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
}

# The virtual display may be needed by `make test` even where .venv is complete, so this is asked every time (0.1 s).
window_libraries
pdf_libraries

# Python, this folder and the dependencies decide whether .venv still fits.
key=$( { pwd; cat pyproject.toml scripts/setup.sh; } | (sha256sum 2>/dev/null || shasum -a 256) | cut -d' ' -f1)
[ -x .venv/bin/python ] && [ "$(cat .venv/ready 2>/dev/null)" = "$key" ] && exit 0

[ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1 || make_venv "$(find_python)"
rm -f .venv/ready
say "installing Python packages (some minutes the first time: torch is large)"
# All in one resolution, or pip may pair a torchvision with another torch than it was built for.
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-input -e '.[networks,train,test]' </dev/null
.venv/bin/python -c 'import torch, torchvision; torchvision.ops.nms(torch.rand(2, 4), torch.rand(2), 0.5)' ||
    fail "torchvision's operators do not load with the installed torch: they come from different builds.
Install both from one place: .venv/bin/pip install --force-reinstall --index-url https://pypi.org/simple torch torchvision"
echo "$key" >.venv/ready
say "done"
