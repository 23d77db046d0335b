//! RAUC's installer interface, as far as we use it.
//!
//! What marking does with the `uboot` backend (`src/bootloaders/uboot.c`), through `fw_setenv`, which syncs:
//!
//! | Mark | `BOOT_ORDER` | `BOOT_x_LEFT` |
//! |---|---|---|
//! | good | unchanged: a slot that is not in it stays out | `boot-attempts` |
//! | active | the slot first, then the others | `boot-attempts-primary`, also where it had more |
//! | bad | without the slot | 0 |

use std::collections::HashMap;

use zbus::Connection;
use zbus::proxy::CacheProperties;
use zbus::wire::OwnedVariant;

use crate::bus::{Bus, BusError};

const SERVICE: &str = "RAUC";

/// RAUC on a bus.
#[derive(Debug, Clone)]
pub struct Rauc {
    bus: Bus,
}

/// What a slot is marked as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// It works.
    Good,
    /// It does not, and is not to be started again.
    Bad,
    /// It is to be started first.
    Active,
}

/// A slot, by what it is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RaucSlot {
    /// The one that is running.
    Booted,
    /// The one that is not.
    Other,
}

/// What RAUC says it has marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// RAUC's name of the slot: `rootfs.0`.
    pub slot: String,
    /// What was done: `marked slot rootfs.0 as good`.
    pub message: String,
}

/// What RAUC knows about a slot. What it does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlotStatus {
    /// RAUC's name of it: `rootfs.0`.
    pub name: String,
    /// The boot loader's: `A`.
    pub bootname: Option<String>,
    /// `booted`, `active`, `inactive`.
    pub state: Option<String>,
    /// `good` (it has tries left), `bad`.
    pub boot_status: Option<String>,
    /// The version of the bundle that was installed into it.
    pub bundle_version: Option<String>,
}

impl Rauc {
    /// RAUC on this bus. Whether it is there shows with the first call.
    pub fn on(bus: Bus) -> Rauc {
        Rauc { bus }
    }

    /// Marks a slot. The boot state on the disk has changed when this returns.
    pub fn mark(&self, mark: Mark, slot: RaucSlot) -> Result<Marked, BusError> {
        let action = format!("mark the {} slot {}", slot.as_str(), mark.as_str());
        let (slot, message) = self
            .bus
            .call(SERVICE, &action, async |bus| proxy(bus).await?.mark(mark.as_str(), slot.as_str()).await)?;
        Ok(Marked { slot, message })
    }

    /// RAUC's name of the slot that would be started next.
    pub fn primary(&self) -> Result<String, BusError> {
        self.bus
            .call(SERVICE, "ask which slot starts next", async |bus| proxy(bus).await?.get_primary().await)
    }

    /// What RAUC knows about all slots.
    pub fn slot_status(&self) -> Result<Vec<SlotStatus>, BusError> {
        let slots = self
            .bus
            .call(SERVICE, "ask about the slots", async |bus| proxy(bus).await?.get_slot_status().await)?;
        Ok(slots.into_iter().map(|(name, facts)| SlotStatus::of(name, &facts)).collect())
    }

    /// What RAUC is doing: `idle`, `installing`.
    pub fn operation(&self) -> Result<String, BusError> {
        self.bus.call(SERVICE, "ask what it does", async |bus| proxy(bus).await?.operation().await)
    }

    /// What went wrong last; empty when nothing did.
    pub fn last_error(&self) -> Result<String, BusError> {
        self.bus.call(SERVICE, "ask what went wrong last", async |bus| proxy(bus).await?.last_error().await)
    }
}

impl Mark {
    /// The word RAUC has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mark::Good => "good",
            Mark::Bad => "bad",
            Mark::Active => "active",
        }
    }
}

impl RaucSlot {
    /// The word RAUC has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            RaucSlot::Booted => "booted",
            RaucSlot::Other => "other",
        }
    }
}

impl SlotStatus {
    fn of(name: String, facts: &HashMap<String, OwnedVariant>) -> SlotStatus {
        let text =
            |key: &str| facts.get(key).and_then(|value| <&str>::try_from(value).ok()).map(str::to_owned);
        SlotStatus {
            name,
            bootname: text("bootname"),
            state: text("state"),
            boot_status: text("boot-status"),
            bundle_version: text("bundle.version"),
        }
    }
}

#[zbus::proxy(
    interface = "de.pengutronix.rauc.Installer",
    default_service = "de.pengutronix.rauc",
    default_path = "/"
)]
trait Installer {
    fn mark(&self, state: &str, slot_identifier: &str) -> zbus::Result<(String, String)>;
    fn get_primary(&self) -> zbus::Result<String>;
    fn get_slot_status(&self) -> zbus::Result<Vec<(String, HashMap<String, OwnedVariant>)>>;
    #[zbus(property)]
    fn operation(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn last_error(&self) -> zbus::Result<String>;
}

/// Without a cache: it would ask for all properties before the one call we make.
async fn proxy(bus: &Connection) -> zbus::Result<InstallerProxy<'_>> {
    InstallerProxy::builder(bus).cache_properties(CacheProperties::No).build().await
}
