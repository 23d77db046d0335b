//! The few kernel modules of the initramfs.

use std::ffi::CString;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail};
use host_files::read_text_bounded;
use rustix::io::Errno;
use rustix::system::finit_module;

use crate::report::Report;

const STAGE: &str = "modules";

/// Loads what `load.list` in this folder names, in its order.
///
/// Nothing here is fatal: a module may be built into this kernel, or be for another board's hardware. What is really
/// needed is missed by the stage that needs it, and the reason is then in the lines before.
pub(crate) fn load_all(folder: &Path, report: &mut Report) {
    let list = match read_list(folder) {
        Ok(list) => list,
        Err(error) => return report.warn(STAGE, format_args!("{error:#}")),
    };
    let mut loaded = 0;
    for module in &list {
        match load(folder, module) {
            Ok(()) => loaded += 1,
            Err(error) => report.warn(STAGE, format_args!("{error:#}")),
        }
    }
    report.say(STAGE, format_args!("{loaded} of {} loaded", list.len()));
}

/// One line of `load.list`: a file in the same folder, and what to tell the module.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Module {
    file: String,
    parameters: CString,
}

fn read_list(folder: &Path) -> anyhow::Result<Vec<Module>> {
    const LIMIT: usize = 64 * 1024;
    parse(&read_text_bounded(&folder.join("load.list"), LIMIT)?)
}

/// One module a line: the file's name, then its parameters. Blank lines and lines that start with `#` do not count.
fn parse(list: &str) -> anyhow::Result<Vec<Module>> {
    let lines = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut modules = Vec::new();
    for line in lines {
        let (file, parameters) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if file.contains('/') {
            bail!("cannot use {file:?} of load.list: it is not a file name");
        }
        let parameters = CString::new(parameters.trim()).context("cannot use load.list: it holds a NUL")?;
        modules.push(Module { file: file.to_owned(), parameters });
    }
    Ok(modules)
}

fn load(folder: &Path, module: &Module) -> anyhow::Result<()> {
    let path = folder.join(&module.file);
    let action = || format!("cannot load {}", path.display());
    let file = File::open(&path).with_context(action)?;
    match finit_module(&file, &module.parameters, 0) {
        // Already there: loaded by something before it, or built in.
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error).with_context(action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(file: &str, parameters: &str) -> Module {
        Module { file: file.to_owned(), parameters: CString::new(parameters).unwrap() }
    }

    #[test]
    fn the_list_keeps_its_order_and_the_parameters() {
        let list =
            "# early modules\nvirtio_blk.ko\n\n  i6300esb.ko heartbeat=30\n\tdw_wdt.ko\ta=1 b=\"x y\" \n";
        let expected = [
            module("virtio_blk.ko", ""),
            module("i6300esb.ko", "heartbeat=30"),
            module("dw_wdt.ko", "a=1 b=\"x y\""),
        ];
        assert_eq!(parse(list).unwrap(), expected);
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn a_path_or_a_nul_is_refused() {
        let error = parse("../evil.ko\n").unwrap_err().to_string();
        assert_eq!(error, "cannot use \"../evil.ko\" of load.list: it is not a file name");
        assert!(parse("a.ko x=\0\n").is_err());
    }

    #[test]
    fn a_missing_list_or_module_is_reported_and_nothing_else_happens() {
        let folder = tempfile::tempdir().unwrap();
        let mut report = Report::on_standard_error();
        load_all(folder.path(), &mut report);
        std::fs::write(folder.path().join("load.list"), "gone.ko\n").unwrap();
        load_all(folder.path(), &mut report);
        let error = format!("{:#}", load(folder.path(), &module("gone.ko", "")).unwrap_err());
        assert!(error.starts_with("cannot load ") && error.contains("gone.ko: No such file"), "{error}");
    }
}
