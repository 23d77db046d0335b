# Slipway selector: decides which slot boots, counts the try, and runs that slot.
#
# The build turns this into boot.scr on the `bootsel` partition, replacing the
# word between @ signs. An update never rewrites it, so it knows as little as it
# can: the boot state, the names of the partitions, and how to start slot.scr.
# docs/decisions/0001-own-u-boot.md says which U-Boot runs it and why.
#
# U-Boot hands over:  devtype, devnum   the disk this script was loaded from
# slot.scr gets:      devtype, devnum   the same
#                     slipway_slot      A or B
#                     slipway_part      number of its boot partition on that disk
#                     slipway_token     this boot's random name (a uuid)
#                     slipway_last_resort   1 or unset
#                     slipway_ram       start of the reserved RAM, hex without 0x:
#                                       4 KiB for the selector, then the slot's
#                                       (README.md has the map)
# slot.scr comes back only when its slot cannot be loaded.
#
# Nothing here may end in a prompt, a hang or a fast loop: every path leads to a
# kernel or, after a pause, to `reset`. A write that fails is reported, no more.
# The hush of U-Boot has no functions; `run NAME` of a variable stands in.

echo "Slipway selector, build @BUILD_ID@"

# --- Memory ---------------------------------------------------------------------
# The kernel is loaded last, so its place serves as scratch until then.
setenv sel_env0 ${kernel_addr_r}
setexpr sel_env1 ${kernel_addr_r} + 200
setexpr sel_out ${kernel_addr_r} + 400
# 240 MiB above the start of RAM (0 on Rock64, 0x40000000 in QEMU): above anything
# U-Boot loads, below where it puts itself in 512 MiB or more, and not at a power
# of two, where the Rock64's memory sizing writes.
setexpr slipway_ram ${kernel_addr_r} "&" f0000000
setexpr slipway_ram ${slipway_ram} + f000000

# --- Was this reset warm? ---------------------------------------------------------
# Eight words spread over the page, so that memory which decayed in a short power
# cut is not taken for memory that was kept.
setenv SEL_RESET warm
for offset in 0 24c 498 6e4 930 b7c dc8 ffc; do
  setexpr sel_word ${slipway_ram} + ${offset}
  if itest.l *${sel_word} != 51195a17; then setenv SEL_RESET cold; fi
  mw.l ${sel_word} 51195a17
done
echo "slipway: selector: ${SEL_RESET} reset"

# --- Raw partitions: $sel_part by name, one sector at $sel_addr ---------------------
${devtype} dev ${devnum}
setenv sel_read  'part start ${devtype} ${devnum} ${sel_part} sel_lba && ${devtype} read  ${sel_addr} ${sel_lba} 1'
setenv sel_write 'part start ${devtype} ${devnum} ${sel_part} sel_lba && ${devtype} write ${sel_addr} ${sel_lba} 1'
setenv sel_put 'run sel_write || echo "slipway: selector: cannot write ${sel_part}, going on without"'

# --- Read the boot state ------------------------------------------------------------
# Importing a name that no copy holds only checks the CRC.
setenv sel_part env0
setenv sel_addr ${sel_env0}
if run sel_read && env import -c ${sel_addr} 200 sel_none; then setenv sel_env0_ok 1; else setenv sel_env0_ok 0; fi
setenv sel_part env1
setenv sel_addr ${sel_env1}
if run sel_read && env import -c ${sel_addr} 200 sel_none; then setenv sel_env1_ok 1; else setenv sel_env1_ok 0; fi

# What the valid copy does not hold must be absent, not left over.
setenv BOOT_ORDER
setenv BOOT_A_LEFT
setenv BOOT_B_LEFT
setenv SLIPWAY_CONFIRMED
setenv START_UMS

# Linux writes env0 first, so env0 is the newer of two valid copies. The other copy
# is made equal before anything is counted: were env0 torn by the count below, env1
# must not bring back a state from before a mark-good or an install.
if test ${sel_env0_ok} = 1; then
  setenv SEL_ENV env0
  env import -c ${sel_env0} 200 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT SLIPWAY_CONFIRMED START_UMS
  if test ${sel_env1_ok} = 0; then
    echo "slipway: selector: env1 is invalid, repairing it from env0"
    setenv sel_part env1; setenv sel_addr ${sel_env0}; run sel_put
  elif cmp.b ${sel_env0} ${sel_env1} 200; then
    echo "slipway: selector: env0 and env1 agree"
  else
    echo "slipway: selector: env1 differs, making it equal to env0"
    setenv sel_part env1; setenv sel_addr ${sel_env0}; run sel_put
  fi
elif test ${sel_env1_ok} = 1; then
  setenv SEL_ENV env1
  env import -c ${sel_env1} 200 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT SLIPWAY_CONFIRMED START_UMS
  echo "slipway: selector: env0 is invalid, repairing it from env1"
  setenv sel_part env0; setenv sel_addr ${sel_env1}; run sel_put
else
  setenv SEL_ENV default
  setenv BOOT_ORDER "A B"
  setenv BOOT_A_LEFT 9
  setenv BOOT_B_LEFT 9
  echo "slipway: selector: env0 and env1 are invalid, using the defaults"
fi

# --- Keep only what makes sense -------------------------------------------------------
# hush parses a value again where it is used, so a quote in one would break the
# command it stands in: replace such characters before any value is looked at.
for key in BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT SLIPWAY_CONFIRMED START_UMS; do
  if env exists ${key}; then setexpr ${key} gsub "[^AB0123456789 ]" _ || setenv ${key}; fi
done
# Names other than A and B are skipped; anything but one digit counts as no tries.
setenv sel_order
setenv sel_first
if env exists BOOT_ORDER; then
  for name in ${BOOT_ORDER}; do
    if test ${name} = A || test ${name} = B; then
      if test -z "${sel_first}"; then
        setenv sel_first ${name}
        setenv sel_order ${name}
      elif test ${name} != ${sel_first}; then
        setenv sel_order "${sel_first} ${name}"
      fi
    else
      echo "slipway: selector: BOOT_ORDER names an unknown slot, skipped"
    fi
  done
fi
setenv BOOT_ORDER "${sel_order}"
setenv sel_A 0
setenv sel_B 0
for digit in 1 2 3 4 5 6 7 8 9; do
  if test "${BOOT_A_LEFT}" = ${digit}; then setenv sel_A ${digit}; fi
  if test "${BOOT_B_LEFT}" = ${digit}; then setenv sel_B ${digit}; fi
done
setenv BOOT_A_LEFT ${sel_A}
setenv BOOT_B_LEFT ${sel_B}
if test "${SLIPWAY_CONFIRMED}" != A && test "${SLIPWAY_CONFIRMED}" != B; then setenv SLIPWAY_CONFIRMED; fi
if test "${START_UMS}" != 1; then setenv START_UMS; fi
echo "slipway: selector: state from ${SEL_ENV}: order [${sel_order}], tries left A ${BOOT_A_LEFT} B ${BOOT_B_LEFT}, confirmed [${SLIPWAY_CONFIRMED}]"

# --- The last boot ------------------------------------------------------------------------
# What this script wrote about it; absent where the record is torn, or there was none.
# (Sets of characters have no ranges in U-Boot.)
setenv SEL_REASON
setenv SEL_SLOT
setenv sel_part blackbox
setenv sel_addr ${sel_out}
if run sel_read; then env import -c ${sel_out} 200 SEL_REASON SEL_SLOT; fi
for key in SEL_REASON SEL_SLOT; do
  if env exists ${key}; then setexpr ${key} gsub "[^AB-abcdefghijklmnopqrstuvwxyz]" _ || setenv ${key}; fi
done
setenv sel_died
for slot in A B; do
  if test "${SEL_RESET} ${SEL_REASON} ${SEL_SLOT}" = "warm last-resort ${slot}"; then setenv sel_died ${slot}; fi
done

# --- What a try does --------------------------------------------------------------------
# Counting: env0, then env1, so that one of them is whole whenever the power goes.
setenv sel_count '
  if test ${sel_slot} = A; then
    setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1; setenv SEL_LEFT ${BOOT_A_LEFT}
  else
    setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1; setenv SEL_LEFT ${BOOT_B_LEFT}
  fi
  setenv sel_addr ${sel_out}
  env export -c -s 200 ${sel_addr} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT SLIPWAY_CONFIRMED START_UMS
  setenv sel_part env0; run sel_put
  setenv sel_part env1; run sel_put
'
# Booting $sel_slot: black box record first, then the slot's own script.
setenv sel_boot '
  echo "slipway: selector: booting slot ${sel_slot}, reason ${SEL_REASON}, tries left ${SEL_LEFT}"
  setenv SEL_SLOT ${sel_slot}
  setenv sel_addr ${sel_out}
  env export -c -s 200 ${sel_addr} SEL_BUILD SEL_SLOT SEL_LEFT SEL_REASON SEL_ENV SEL_TOKEN SEL_RESET
  setenv sel_part blackbox; run sel_put
  setenv slipway_slot ${sel_slot}
  setenv slipway_token ${SEL_TOKEN}
  if test ${sel_slot} = A; then setenv sel_part boot-a; else setenv sel_part boot-b; fi
  if part number ${devtype} ${devnum} ${sel_part} slipway_part && load ${devtype} ${devnum}:${slipway_part} ${scriptaddr} slot.scr; then
    source ${scriptaddr}
  fi
  echo "slipway: selector: slot ${sel_slot} did not load"
'
setenv SEL_BUILD "@BUILD_ID@"
uuid SEL_TOKEN

# --- The slots of BOOT_ORDER that have tries left -------------------------------------------
setenv SEL_REASON order
if test -n "${sel_order}"; then
  for slot in ${sel_order}; do
    setenv sel_slot ${slot}
    if test ${slot} = A; then setenv SEL_LEFT ${BOOT_A_LEFT}; else setenv SEL_LEFT ${BOOT_B_LEFT}; fi
    if test ${SEL_LEFT} = 0; then
      echo "slipway: selector: slot ${slot} has no tries left"
      if test ${SEL_REASON} = order; then setenv SEL_REASON fallback; fi
    else
      run sel_count
      run sel_boot
      setenv SEL_REASON load-failed
    fi
  done
fi

# --- Last resort ------------------------------------------------------------------------------
# Nothing is counted any more. Slots outside BOOT_ORDER get their only chance here.
setenv sel_last A
if test -n "${sel_first}"; then setenv sel_last ${sel_first}; fi
if test -n "${SLIPWAY_CONFIRMED}"; then setenv sel_last ${SLIPWAY_CONFIRMED}; fi
# A last resort that works has tries left at the next boot: early-boot or a good verdict
# gives them. This one has none again and the power stayed on, so it died: now the other.
# After a power cut nobody knows, and it is the first choice again.
if test "${sel_last}" = "${sel_died}"; then
  echo "slipway: selector: the last resort ${sel_died} did not last, trying the other slot"
  if test ${sel_died} = A; then setenv sel_last B; else setenv sel_last A; fi
fi
if test ${sel_last} = A; then setenv sel_other B; else setenv sel_other A; fi
echo "slipway: selector: no slot of the boot order is left, last resort: ${sel_last}, then ${sel_other}"
setenv SEL_REASON last-resort
setenv slipway_last_resort 1
for slot in ${sel_last} ${sel_other}; do
  setenv sel_slot ${slot}
  if test ${slot} = A; then setenv SEL_LEFT ${BOOT_A_LEFT}; else setenv SEL_LEFT ${BOOT_B_LEFT}; fi
  run sel_boot
done

# `sleep` feeds a running watchdog. The reset starts from the boot ROM again, so that
# a card put in meanwhile is seen and a disk that hung gets a fresh start.
echo "slipway: selector: neither slot can be loaded, trying again in 60 s"
sleep 60
reset
