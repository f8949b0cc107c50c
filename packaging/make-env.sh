#!/bin/sh
# Create .venv with a Python from 3.11 to 3.13 and install the project into it, editable.
#
#   make-env.sh [EXTRAS]    EXTRAS like dev,cluster,peers; none installs what the window needs
#
# PYTHON       the interpreter to use instead of the first that fits
# TORCH_INDEX  a package index for PyTorch, for example https://download.pytorch.org/whl/cu130
#              Without it, a Linux machine without an NVIDIA card takes the processor build: the default one there
#              brings gigabytes of CUDA libraries.
set -eu
cd "$(dirname "$0")/.."
extras=${1:-}
venv=.venv

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1; }

if [ ! -x "$venv/bin/python" ]; then
    if [ -z "${PYTHON:-}" ]; then
        for candidate in python3 python3.13 python3.12 python3.11 python; do
            if fits "$candidate"; then
                PYTHON=$candidate
                break
            fi
        done
    fi
    if [ -z "${PYTHON:-}" ] || ! fits "$PYTHON"; then
        echo "Python 3.11, 3.12 or 3.13 is needed${PYTHON:+, and $PYTHON is not one}. Install one, or name it: make PYTHON=/path/to/python" >&2
        exit 1
    fi
    export PYTHON
    packaging/system-deps.sh
    "$PYTHON" -m venv "$venv"
else
    PYTHON=$venv/bin/python packaging/system-deps.sh
fi

pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }

torch=$(sed -n 's/^ *"\(torch==[^"]*\)".*/\1/p' pyproject.toml)
index=${TORCH_INDEX:-}
installed() {
    "$venv/bin/python" -c 'import sys, importlib.metadata as m; sys.exit(m.version("torch").split("+")[0] != sys.argv[1])' \
        "$1" 2>/dev/null
}
if ! installed "${torch#torch==}"; then
    if [ -z "$index" ] && [ "$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null 2>&1; then
        case $(pip install --dry-run --no-deps "$torch" 2>/dev/null) in
            *"Would install torch-"*+cpu*) ;; # a processor build is at hand already
            *"Would install"*) index=https://download.pytorch.org/whl/cpu ;;
        esac
    fi
    echo "Installing $torch${index:+ from $index}"
    # shellcheck disable=SC2086
    pip install --quiet ${index:+--extra-index-url} $index "$torch"
fi
echo "Installing the workbench${extras:+ with $extras}"
pip install --quiet --editable ".${extras:+[$extras]}"

# torchattacks pins an old requests and asks for torchvision, whose builds fix another torch. It imports neither.
case ",$extras," in
*,peers,*) pip install --quiet --no-deps "torchattacks==3.5.1" ;;
esac
