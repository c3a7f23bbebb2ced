#!/usr/bin/env bash
# Puts uv into a folder, with nothing on the machine but Python (3.11 or newer) and, where its venv module is missing, apt.
set -euo pipefail
uv_version=0.13.9
target=$1

python=$(command -v python3 || true)
if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Mintworks needs Python 3.11 or newer as python3 on the PATH." >&2
  exit 1
fi
# Debian ships venv without ensurepip unless python3-venv is installed.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  echo "python3 has no venv module: installing the package python3-venv with apt" >&2
  apt-get update -qq && apt-get install -y -qq python3-venv >&2
  python=/usr/bin/python3
fi
echo "Installing uv $uv_version into $target" >&2
"$python" -m venv "$target"
"$target/bin/pip" install --quiet --disable-pip-version-check "uv==$uv_version"
touch "$target/bin/uv"
