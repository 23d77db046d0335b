use appliance_types::Ipv4Cidr;

use crate::report::{Report, Spot};
use crate::{Addressing, Code};

/// Static networks, to find two that overlap: a packet to the shared part would leave on one of the two, by chance.
#[derive(Default)]
pub(super) struct Networks<'a>(Vec<(String, Ipv4Cidr, Option<&'a Spot>)>);

impl<'a> Networks<'a> {
    /// Adds the network of an interface, and where it was written; `None`: it is a default.
    pub(super) fn add(&mut self, name: &str, addressing: Addressing, spot: Option<&'a Spot>) {
        if let Addressing::Static { address, .. } = addressing {
            self.0.push((name.to_owned(), address, spot));
        }
    }

    pub(super) fn report_overlaps(&self, report: &Report<'_>) {
        for (index, second) in self.0.iter().enumerate() {
            // One is enough to say for each interface.
            if let Some(first) = self.0[..index].iter().find(|first| first.1.overlaps(second.1)) {
                // A default is nobody's writing: the problem is at the other of the two.
                let (here, there) = if second.2.is_some() { (second, first) } else { (first, second) };
                let ((name, _, Some(spot)), (other, network, _)) = (here, there) else { continue };
                let message = format!("the network of {name} overlaps that of {other}, {network}");
                report.hinted(spot, Code::Conflict, message, "every interface needs a network of its own");
            }
        }
    }
}
