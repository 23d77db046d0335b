//! `slipway give-up`: the last words before systemd's emergency and rescue modes reboot the machine.

use disk_image::blackbox::BreadcrumbKind;
use host_files::Note;

use crate::arguments::GiveUpOptions;
use crate::breadcrumb;
use crate::system;

pub(crate) fn run(options: &GiveUpOptions) -> anyhow::Result<()> {
    let message = message(&system::failed_units());
    println!("slipway: {}: {message}; rebooting in 10 s", options.stage);
    breadcrumb::leave(Note { kind: BreadcrumbKind::Failure, stage: &options.stage, message: &message })
}

fn message(failed: &anyhow::Result<Vec<String>>) -> String {
    match failed.as_deref() {
        Ok([]) => "cannot go on: no unit has failed, somebody asked for this mode".to_owned(),
        Ok(units) => format!("cannot go on: failed units: {}", units.join(", ")),
        Err(error) => format!("cannot go on, and cannot say which unit failed: {error:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_what_failed() {
        let units = vec!["a.service".to_owned(), "b.mount".to_owned()];
        assert_eq!(message(&Ok(units)), "cannot go on: failed units: a.service, b.mount");
        assert!(message(&Ok(vec![])).contains("no unit has failed"));
        let unknown = message(&Err(anyhow::anyhow!("no bus")));
        assert_eq!(unknown, "cannot go on, and cannot say which unit failed: no bus");
    }
}
