#!/bin/sh
# Tries a portable bundle on a GPU machine and writes one JSON file with what was seen.
#
#   sh gpu-check.sh --bundle trtllm-0.1.0-linux-x64-cuda90a.tar.gz [--eval DIR] [--out result.json] [--only a,b] ...
#
# DIR holds dev.eval.json, dev.stories.json and tales-llama.dev.golden.json; without it the eval steps are left out.
# Needs tar (and gzip or xz) and nothing else. --device cpu tries the same steps without a GPU. --bundle may also be the
# folder that was unpacked. Every other flag goes to gpu-check/main.mjs, which lies in the bundle: see --help.
set -eu
if [ "${1-}" != --bundle ] || [ $# -lt 2 ]; then
  echo "usage: sh gpu-check.sh --bundle ARCHIVE|FOLDER [flags]; with only --help after it, the flags" >&2
  exit 64
fi
bundle=$2
shift 2
if [ -d "$bundle" ]; then
  exec "$bundle/bin/gpu-check" "$@"
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tar -xf "$bundle" -C "$folder"
status=0
"$folder"/trtllm-*/bin/gpu-check "$@" || status=$?
exit "$status"
