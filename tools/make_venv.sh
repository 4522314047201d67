#!/bin/sh
# Makes the virtual environment DIR if it is not there or no longer works. Needs Python >= 3.11 with venv, nothing else.
# Usage: tools/make_venv.sh DIR      (PYTHON names the interpreter; otherwise the first fitting one on the path)
set -eu
dir=$1

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
fail() {
    echo "counterfoil: $1" >&2
    exit 1
}

# A folder copied, moved or left by another Python or by Ctrl-C does not answer, and is made anew.
if [ -f "$dir/pyvenv.cfg" ] && fits "$dir/bin/python" && "$dir/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if fits "$candidate"; then
            python=$candidate
            break
        fi
    done
fi
[ -n "$python" ] || fail "Python 3.11 or newer is needed; python3 here is $(python3 -V 2>&1 || true). Install one, or name it: make PYTHON=/path/to/python3"
command -v "$python" >/dev/null 2>&1 || fail "PYTHON=$python is not a program on this machine"
fits "$python" || fail "Python 3.11 or newer is needed, and $python is $("$python" -V 2>&1)"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
    fail "$python has no venv module: install it (Debian, Ubuntu: apt-get install python$version-venv) and try again"

if [ -e "$dir" ] && [ ! -f "$dir/pyvenv.cfg" ] && [ -n "$(ls -A "$dir" 2>/dev/null || true)" ]; then
    fail "$dir is not a virtual environment and not empty: name another folder (make VENV=...) or remove it"
fi
echo "Making the virtual environment $dir with $("$python" -V 2>&1)" >&2
exec "$python" -m venv --clear "$dir"
