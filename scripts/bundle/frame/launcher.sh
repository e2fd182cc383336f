#!/bin/sh
# Starts @COMMAND@ with the Node of this folder, from any directory and through symbolic links.
self=$0
while [ -h "$self" ]; do
  target=$(readlink "$self")
  case $target in
    /*) self=$target ;;
    *) self=${self%/*}/$target ;;
  esac
done
case $self in
  */*) here=${self%/*} ;;
  *) here=. ;;
esac
root=$(CDPATH= cd -- "$here/.." && pwd -P) || exit 1

# Node needs the C++ run-time library. A machine without it gets the one of this folder.
found() {
  for folder in /lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu /lib64 /usr/lib64 /lib /usr/lib; do
    [ -e "$folder/$1" ] && return 0
  done
  return 1
}
if ! { found libstdc++.so.6 && found libgcc_s.so.1; }; then
  LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$root/lib/c++
  export LD_LIBRARY_PATH
fi
exec "$root/lib/node" "$root/lib/app/@COMMAND@.js" "$@"
