#!/usr/bin/env bash
# Makes a Debian trixie in a folder, with GIMP 3.0, darktable 5.0, a virtual screen, and retouch from this clone in an
# environment of its own. Needs root, debootstrap and Debian's packages; the other scripts here call it. It is made
# once; retouch is brought up to date each time.
set -euo pipefail
clone=$(cd "$(dirname "$0")/../.." && pwd)
root=${1:?name a folder outside of the clone}
if [ ! -x "$root/usr/bin/darktable" ]; then
    debootstrap --variant=minbase trixie "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
    cp /etc/resolv.conf "$root/etc/"
    mkdir -p "$root/etc/ssl/certs"
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    chroot "$root" apt-get update -q
    DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -qy --no-install-recommends \
        gimp darktable lua5.4 xvfb openbox scrot xdotool fonts-dejavu-core adwaita-icon-theme python3-venv >/dev/null
    chroot "$root" python3 -m venv /opt/retouch
fi
ls "$clone"/src/retouch/native/*.so >/dev/null # there is no compiler in there: what make compiled here is used
rm -rf "$root/opt/clone"
mkdir -p "$root/opt/clone"
(cd "$clone" && cp -r src scripts examples pyproject.toml setup.py README.md LICENSE "$root/opt/clone/")
if [ ! -e "$root/opt/retouch/ready" ]; then
    export PIP_CERT=/etc/ssl/certs/ca-certificates.crt
    chroot "$root" /opt/retouch/bin/pip install -q -e '/opt/clone[serve]'
    touch "$root/opt/retouch/ready"
fi
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mountpoint -q "$root/dev" || mount --bind /dev "$root/dev"
