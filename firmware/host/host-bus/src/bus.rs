//! One bounded call over a bus.

use std::time::Duration;

use zbus::Connection;
use zbus::connection::Builder;

/// How long a call may take when nothing else is said. D-Bus may have to start the service first, which waits for its disk.
const LIMIT: Duration = Duration::from_secs(30);

/// Why something could not be asked of a service.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// There is no runtime to run the call on.
    #[error("cannot {action}: cannot start")]
    Runtime {
        /// What was to be done.
        action: String,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The bus could not be reached.
    #[error("cannot {action}: cannot connect to {bus}")]
    Connect {
        /// What was to be done.
        action: String,
        /// Which bus.
        bus: String,
        /// Why not.
        source: zbus::Error,
    },
    /// The service, or the bus in its place, said no.
    #[error("cannot {action}: {service}: {cause}")]
    Refused {
        /// What was to be done.
        action: String,
        /// Who was asked.
        service: &'static str,
        /// What it answered.
        cause: String,
    },
    /// Nobody answered.
    #[error("cannot {action}: no answer from {service} within {} s", .limit.as_secs_f32())]
    TimedOut {
        /// What was to be done.
        action: String,
        /// Who was asked.
        service: &'static str,
        /// How long was waited.
        limit: Duration,
    },
}

/// A message bus, and how patient its callers are.
#[derive(Debug, Clone)]
pub struct Bus {
    /// `None`: the system bus.
    address: Option<String>,
    limit: Duration,
}

impl Bus {
    /// The system bus, with a limit of 30 s for each call.
    pub fn system() -> Bus {
        Bus { address: None, limit: LIMIT }
    }

    /// The bus at a D-Bus address: `unix:path=/run/test/bus`.
    pub fn at(address: impl Into<String>) -> Bus {
        Bus { address: Some(address.into()), limit: LIMIT }
    }

    /// Sets how long a call may take, connecting and starting the service included.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Bus {
        self.limit = limit;
        self
    }

    /// Makes one call: `call` on a new connection. `action` completes the sentence "cannot …".
    pub(crate) fn call<T>(
        &self,
        service: &'static str,
        action: &str,
        call: impl AsyncFnOnce(&Connection) -> zbus::Result<T>,
    ) -> Result<T, BusError> {
        let action = || action.to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| BusError::Runtime { action: action(), source })?;
        let answer = runtime.block_on(async {
            let bounded = tokio::time::timeout(self.limit, async {
                let connection = self.connect().await.map_err(|source| BusError::Connect {
                    action: action(),
                    bus: self.name(),
                    source,
                })?;
                let answer = call(&connection).await;
                answer.map_err(|error| BusError::Refused { action: action(), service, cause: cause(&error) })
            });
            let timed_out = || BusError::TimedOut { action: action(), service, limit: self.limit };
            bounded.await.unwrap_or_else(|_elapsed| Err(timed_out()))
        });
        // A connection attempt that hangs must not hold us up after its time either.
        runtime.shutdown_background();
        answer
    }

    async fn connect(&self) -> zbus::Result<Connection> {
        let builder = match &self.address {
            None => Builder::system(),
            Some(address) => Builder::address(address.as_str()),
        };
        builder.build().await
    }

    fn name(&self) -> String {
        self.address.as_ref().map_or("the system bus".to_owned(), |address| format!("the bus at {address}"))
    }
}

/// What a service said, without the name of the error: GLib's are no words (`org.gtk.GDBus.UnmappedGError.Quark.…`).
fn cause(error: &zbus::Error) -> String {
    match error {
        zbus::Error::MethodError(_, Some(detail), _) => detail.clone(),
        other => other.to_string(),
    }
}
