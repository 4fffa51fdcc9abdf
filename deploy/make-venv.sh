#!/bin/sh
# Makes the virtual environment with the newest Python from 3.11 on that this machine has.
set -eu
venv=$1
for python in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
  command -v "$python" >/dev/null 2>&1 || continue
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
  echo "Making $venv with $("$python" --version) …"
  if "$python" -m venv "$venv" 2>/dev/null; then exit 0; fi
  rm -rf "$venv"
  # Debian and Ubuntu ship venv as a package of its own.
  if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq python3-venv && "$python" -m venv "$venv" && exit 0
  fi
  echo "$python has no venv module. On Debian/Ubuntu: sudo apt install python3-venv; then run make again." >&2
  exit 1
done
echo "Livewall needs Python 3.11 or newer; none was found. Set PYTHON=/path/to/python3.11 or install one." >&2
exit 1
