//! Services: a name and a loop that does not end. The first one that ends all the same ends the daemon, and systemd starts it
//! again: half a netboot server is harder to understand than none.

use std::sync::mpsc;
use std::thread;

use anyhow::{Context as _, anyhow};

/// One of the things that are served, its sockets open.
pub(crate) struct Service {
    name: &'static str,
    body: Box<dyn FnOnce() -> anyhow::Error + Send>,
}

impl Service {
    /// `body` runs until it cannot go on, and says why.
    pub(crate) fn new(name: &'static str, body: impl FnOnce() -> anyhow::Error + Send + 'static) -> Service {
        Service { name, body: Box::new(body) }
    }
}

/// Runs them all, each in a thread, and returns with the first end.
pub(crate) fn run_until_one_ends(services: Vec<Service>) -> anyhow::Error {
    let (tell, ended) = mpsc::channel();
    for service in services {
        let tell = tell.clone();
        let started = thread::Builder::new().name(service.name.to_owned()).spawn(move || {
            let error = (service.body)();
            // Nobody listens any more when another one was first.
            let _late = tell.send(error.context(format!("{} cannot go on", service.name)));
        });
        if let Err(error) = started.with_context(|| format!("cannot start a thread for {}", service.name)) {
            return error;
        }
    }
    drop(tell);
    ended.recv().unwrap_or_else(|_| anyhow!("the policy switches every service off; there is nothing to do"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_end_is_the_daemons_end() {
        let waits = Service::new("waits", || {
            thread::park();
            anyhow!("woken")
        });
        let ends = Service::new("ends", || anyhow!("the socket is gone"));
        let error = run_until_one_ends(vec![waits, ends]);
        assert_eq!(format!("{error:#}"), "ends cannot go on: the socket is gone");
    }

    #[test]
    fn a_policy_that_serves_nothing_is_told() {
        assert!(run_until_one_ends(Vec::new()).to_string().contains("switches every service off"));
    }
}
