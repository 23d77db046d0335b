//! The words every Slipway crate shares: slot names, build ids, boot tokens.
