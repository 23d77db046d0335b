//! The services that hand out boot files: TFTP and HTTP, from one folder.

use std::sync::Arc;

use anyhow::bail;
use netboot_protocol::policy::Policy;

use crate::boot_client::pi_trees;
use crate::boot_root::BootRoot;
use crate::service::Service;
use crate::shared::Shared;
use crate::tftp::Door;
use crate::{http, tftp};

/// Opens the sockets of both, and the folder.
pub(crate) fn services(shared: &Arc<Shared>) -> anyhow::Result<Vec<Service>> {
    let policy = &shared.policy;
    let root = match &policy.boot().root {
        Some(path) => {
            // Ours to make when it is below the folder of our state; where it is not, the next line says what is wrong.
            let _made = std::fs::create_dir_all(path);
            Some(Arc::new(BootRoot::open(path, pi_trees(policy))?))
        }
        None => None,
    };
    let mut services = Vec::new();
    if policy.listen().tftp_port != 0 {
        let doors = doors(policy, policy.listen().tftp_port);
        let server = tftp::Server::open(doors, Arc::clone(shared), root.clone())?;
        services.push(Service::new("TFTP", move || server.run()));
    }
    if policy.listen().http_port != 0 {
        let doors = doors(policy, policy.listen().http_port);
        let server = http::Server::open(doors, Arc::clone(shared), root)?;
        services.push(Service::new("HTTP boot", move || server.run()));
    }
    Ok(services)
}

/// What would keep a device from loading what is there.
///
/// # Errors
/// The folder is missing, or has files that are too large for those who would load them.
pub(crate) fn check(policy: &Policy) -> anyhow::Result<()> {
    let Some(path) = &policy.boot().root else { return Ok(()) };
    let refused = BootRoot::open(path, pi_trees(policy))?.refused();
    if refused.is_empty() {
        return Ok(());
    }
    let list: String = refused.iter().map(|error| format!("\n  {error}")).collect();
    bail!("files below {} cannot be loaded by those they are for:{list}", path.display())
}

fn doors(policy: &Policy, port: u16) -> Vec<Door> {
    let door =
        |(interface, table): (&appliance_types::InterfaceName, &netboot_protocol::policy::InterfaceTable)| {
            let mut networks = vec![table.address];
            // Behind a relay.
            networks.extend(policy.subnets().iter().map(|subnet| subnet.network));
            Door { interface: interface.clone(), address: table.address.address(), networks, port }
        };
    policy.interfaces().map(door).collect()
}
