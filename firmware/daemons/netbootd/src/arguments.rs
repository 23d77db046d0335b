//! What can be asked for.

use std::path::PathBuf;

use clap::Parser;

/// Serve DHCP, TFTP and HTTP boot on the LAN.
#[derive(Debug, Parser)]
#[command(name = "netbootd", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The policy: which interfaces, which addresses for whom, what boots.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,

    /// Only say what is wrong with it.
    #[arg(long)]
    pub(crate) check: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }
}
