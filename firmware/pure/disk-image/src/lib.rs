//! What is on a Slipway disk, as bytes: partition table, boot state, black box, layout.
