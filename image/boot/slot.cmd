# Starts the kernel of the slot this script lies in; the same text for A and B.
#
# The build turns this into slot.scr on boot-a and boot-b, with the checksums of the
# files beside it, so that a damaged file is a slot that does not load. It is updated
# together with the kernel; boot.cmd, which is not, lists the variables it gets.
# It returns on any failure and never resets: the selector knows what comes next.

# Between the initrd's place and the reserved RAM; both lie 140 MiB or more apart,
# and no file on a 128 MiB boot partition can reach over it.
setexpr slot_fdt ${slipway_ram} - 100000

# if/else and not `load && crc32 || setenv`: hush runs nothing after the first failure.
if load ${devtype} ${devnum}:${slipway_part} ${kernel_addr_r} vmlinuz && crc32 -v ${kernel_addr_r} ${filesize} @VMLINUZ_CRC32@; then
  setenv slot_bad
else
  setenv slot_bad vmlinuz
fi
if test -z "${slot_bad}"; then
  if load ${devtype} ${devnum}:${slipway_part} ${ramdisk_addr_r} initrd.img && crc32 -v ${ramdisk_addr_r} ${filesize} @INITRD_CRC32@; then
    setenv slot_initrd_size ${filesize}
  else
    setenv slot_bad initrd.img
  fi
fi
# U-Boot of the Rock64 names its device tree in fdtfile; QEMU brings its own along.
if test -z "${slot_bad}"; then
  if test -n "${fdtfile}"; then
    setenv slot_console ttyS2,1500000n8
    if load ${devtype} ${devnum}:${slipway_part} ${slot_fdt} dtbs/${fdtfile} && crc32 -v ${slot_fdt} ${filesize} @DTB_CRC32@; then
      fdt addr ${slot_fdt}
    else
      setenv slot_bad dtbs/${fdtfile}
    fi
  else
    setenv slot_console ttyAMA0
    if fdt move ${fdtcontroladdr} ${slot_fdt}; then
      fdt addr ${slot_fdt}
    else
      setenv slot_bad "device tree of QEMU"
    fi
  fi
fi

if test -n "${slot_bad}"; then
  echo "slipway: slot ${slipway_slot}: ${slot_bad} is missing or damaged"
else
  # Reserved RAM: the selector's page, then what the kernel keeps over a warm reset
  # (a panic's messages). Both slots use the same place, so each can read what the
  # other left. No console-size: Debian's kernel has no PSTORE_CONSOLE.
  setexpr slot_ramoops ${slipway_ram} + 1000
  fdt resize 1000
  fdt mknode / reserved-memory
  fdt set /reserved-memory "#address-cells" <2>
  fdt set /reserved-memory "#size-cells" <2>
  fdt set /reserved-memory ranges
  fdt mknode /reserved-memory selector@${slipway_ram}
  fdt set /reserved-memory/selector@${slipway_ram} reg <0x0 0x${slipway_ram} 0x0 0x1000>
  fdt mknode /reserved-memory ramoops@${slot_ramoops}
  fdt set /reserved-memory/ramoops@${slot_ramoops} compatible ramoops
  fdt set /reserved-memory/ramoops@${slot_ramoops} reg <0x0 0x${slot_ramoops} 0x0 0x40000>
  fdt set /reserved-memory/ramoops@${slot_ramoops} record-size <0x8000>
  fdt set /reserved-memory/ramoops@${slot_ramoops} ecc-size <0x10>

  # earlycon, and naming the serial console although the device tree does: left alone,
  # the kernel counts tty0 as its console at once, and a panic in the second before
  # the serial driver starts is seen nowhere. The last console is /dev/console.
  # open_timeout: a watchdog that U-Boot left running is fed by the kernel until
  # early-boot opens it, but not for ever.
  # gpt: else the kernel takes the second copy of the partition table only together with a
  # good first one, and a power cut while `data` is being added would leave it no disk.
  # lsm: Debian's list without bpf and what apparmor excludes. With bpf, systemd translates and loads a program at
  # every boot for an option (RestrictFileSystems=) that no unit uses.
  # TERM: the kernel hands it to systemd, which else sends a serial line control sequences.
  setenv bootargs "rauc.slot=${slipway_slot} slipway.token=${slipway_token} earlycon console=tty0 console=${slot_console} loglevel=4 panic=10 watchdog.open_timeout=30 gpt lsm=landlock,lockdown,yama,loadpin,safesetid,integrity,apparmor TERM=dumb"
  if test "${slipway_last_resort}" = 1; then setenv bootargs "${bootargs} slipway.last_resort=1"; fi
  echo "slipway: slot ${slipway_slot}: starting kernel of build @BUILD_ID@"
  booti ${kernel_addr_r} ${ramdisk_addr_r}:${slot_initrd_size} ${slot_fdt}
  echo "slipway: slot ${slipway_slot}: the kernel did not start"
fi
