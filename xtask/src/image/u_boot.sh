# Builds U-Boot for the board and for QEMU inside the tools tree.
out=$1 options=$2 version=$3 board=$4 emulation=$5 bl31_package=$6 bl31_file=$7

apt-get --quiet update
# The version these options were written for, while the archive has it; then the release's newest, whose options are checked below.
versions=$(apt-cache showsrc --only-source u-boot | sed -n 's/^Version: //p' | grep -v '~bpo' | sort --version-sort)
if ! echo "$versions" | grep -qxF "$version"; then
    echo "u-boot $version has left the archive" >&2
    version=$(echo "$versions" | tail -n 1)
fi
echo "building u-boot $version"
mkdir /tmp/fetch
cd /tmp/fetch
# Part by part: apt checks each against its signed index, also when the index of the whole source is newer than the mirror.
apt-get --quiet source --download-only --tar-only "u-boot=$version"
apt-get --quiet source --download-only --diff-only "u-boot=$version"
apt-get --quiet download "$bl31_package:arm64"
dpkg-deb --extract "$bl31_package"_*.deb /tmp/bl31

mkdir /tmp/source
tar --extract --strip-components 1 --directory /tmp/source --file u-boot_*.orig.tar.bz2
cd /tmp/source
tar --extract --file /tmp/fetch/u-boot_*.debian.tar.xz
grep -v '^#' debian/patches/series | while read -r patch; do
    [ -z "$patch" ] || patch --quiet --strip 1 < "debian/patches/$patch"
done

# The same bytes whenever and wherever it is built: the date of the source, no host name, no paths.
SOURCE_DATE_EPOCH=$(date --utc --date "$(sed -n 's/^ -- .*>  //p' debian/changelog | head -n 1)" +%s)
export SOURCE_DATE_EPOCH CROSS_COMPILE=aarch64-linux-gnu- BL31="/tmp/bl31/$bl31_file"

configure() { # folder, defconfig, fragments…
    folder=$1; defconfig=$2; shift 2
    mkdir "$folder"
    make O="$folder" "$defconfig" < /dev/null
    scripts/kconfig/merge_config.sh -m -O "$folder" "$folder/.config" "$@"
    # Every question answered by its default; a build that asks would wait for ever.
    make O="$folder" olddefconfig < /dev/null
    for fragment; do
        # An option that U-Boot dropped (renamed, or a dependency is missing) must not go unnoticed.
        grep '^CONFIG_' "$fragment" | while read -r line; do
            grep -qxF "$line" "$folder/.config" || { echo "U-Boot does not take $line of $fragment" >&2; exit 1; }
        done
        sed -n 's/^# \(CONFIG_[A-Z0-9_]*\) is not set$/\1/p' "$fragment" | while read -r name; do
            ! grep -q "^$name=" "$folder/.config" || { echo "U-Boot insists on $name, which $fragment leaves out" >&2; exit 1; }
        done
    done
}

cp "$options/rock64.dtsi" arch/arm/dts/slipway-rock64.dtsi
configure /tmp/qemu "$emulation" "$options/common.config" "$options/qemu_arm64.config"
make O=/tmp/qemu -j"$(nproc)" u-boot.bin < /dev/null
configure /tmp/board "$board" "$options/common.config" "$options/rock64.config"
make O=/tmp/board -j"$(nproc)" all < /dev/null

rm -rf "$out.partial"
mkdir "$out.partial"
cp /tmp/qemu/u-boot.bin "$out.partial/qemu-u-boot.bin"
cp /tmp/board/idbloader.img /tmp/board/u-boot.itb "$out.partial/"
echo "$version" > "$out.partial/version"
cp /tmp/qemu/.config "$out.partial/qemu.config"
cp /tmp/board/.config "$out.partial/board.config"
sync "$out.partial"
mv "$out.partial" "$out"
