//! Files, block devices and programs of the machine we run on.
