#!/usr/bin/env bash
# Runs spec/tensorflow and spec/cluster against a real TensorFlow, which it installs into .venv the first time.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=spec/tensorflow/requirements.txt
[ -x .venv/bin/python ] || python3 -m venv .venv

installed() {
  .venv/bin/python - "$requirements" <<'PYTHON'
import sys
from importlib.metadata import PackageNotFoundError, version

for line in open(sys.argv[1]):
    name, _, wanted = line.split('#')[0].strip().partition('==')
    try:
        if name and version(name) != wanted:
            sys.exit(f'{name} {version(name)} is installed, {wanted} is wanted')
    except PackageNotFoundError:
        sys.exit(f'{name} is not installed')
PYTHON
}

installed || .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$requirements"

export TAPELESS_TENSORFLOW=1 TF_CPP_MIN_LOG_LEVEL=2
export TAPELESS_PYTHON="$PWD/.venv/bin/python"
exec npm test -- "$@"
