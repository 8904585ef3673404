#!/usr/bin/env bash
# Renders the icons from build/icons/src; run by hand after a change there, and commit what it makes.
# Needs Debian's librsvg2-bin (rsvg-convert), icoutils (icotool) and icnsutils (png2icns).
set -euo pipefail
cd "$(dirname "$0")"
rm -rf app tray
mkdir -p app tray
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for size in 16 24 32 48 64 128 256 512 1024; do
  rsvg-convert --width "$size" --height "$size" --output "app/${size}x${size}.png" src/appicon.svg
done
icotool --create --output app/icon.ico app/{16x16,24x24,32x32,48x48,64x64,128x128}.png --raw=app/256x256.png

# macOS draws no rounding or margin by itself: its icons keep a tenth of the square free on every side.
sed -E '1s/(width="512" height="512" )viewBox="0 0 512 512"/\1viewBox="-62 -62 636 636"/' src/appicon.svg > "$work/mac.svg"
grep -q 'viewBox="-62 -62 636 636"' "$work/mac.svg"
for size in 16 32 128 256 512 1024; do
  rsvg-convert --width "$size" --height "$size" --output "$work/$size.png" "$work/mac.svg"
done
png2icns app/icon.icns "$work"/{16,32,128,256,512,1024}.png > /dev/null

for svg in src/tray/*.svg; do
  name=$(basename "$svg" .svg)
  size=${name##*-}
  case $name in
    *-template-16) one=${name%-template-16}Template ;; # macOS recognises a template image by this ending, and uses one size
    *-template-*) continue ;;
    *) one=$name ;;
  esac
  rsvg-convert --width "$size" --height "$size" --output "tray/$one.png" "$svg"
  rsvg-convert --width $((size * 2)) --height $((size * 2)) --output "tray/$one@2x.png" "$svg"
done
