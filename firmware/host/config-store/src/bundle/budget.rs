//! Counting what a bundle costs while it is read, so that a small file cannot become endless work.

use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use super::error::{BundleError, BundleFault};
use super::limits::Limits;
use super::name::one_line;

/// What has been used up so far. Shared by the readers that a bundle's bytes pass through.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    compressed: Cell<u64>,
    unpacked: Cell<u64>,
    deadline: Cell<Instant>,
    /// Since when nothing is counted.
    exempt_since: Cell<Option<Instant>>,
    /// Libraries between us and the bytes put their own words around errors; what really happened is kept here.
    fault: RefCell<Option<BundleFault>>,
    failed_read: RefCell<Option<io::Error>>,
    at_end: Cell<bool>,
}

/// Which side of the decompressor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// What comes from the disk, and is compressed.
    Compressed,
    /// What comes from the disk and is not: only failures are of interest.
    Plain,
    /// What comes out.
    Unpacked,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Rc<Budget> {
        Rc::new(Budget {
            limits: *limits,
            compressed: Cell::new(0),
            unpacked: Cell::new(0),
            deadline: Cell::new(Instant::now() + limits.time),
            exempt_since: Cell::new(None),
            fault: RefCell::new(None),
            failed_read: RefCell::new(None),
            at_end: Cell::new(false),
        })
    }

    /// Nothing that happens within `work` is counted: it reads a container image, which has a bound of its own.
    pub(crate) fn exempt<T>(&self, work: impl FnOnce() -> T) -> T {
        let since = Instant::now();
        self.exempt_since.set(Some(since));
        let result = work();
        self.exempt_since.set(None);
        self.deadline.set(self.deadline.get() + since.elapsed());
        result
    }

    /// Counts `bytes` that came out, and looks at the time.
    pub(crate) fn unpacked(&self, bytes: u64) -> Result<(), BundleFault> {
        self.count(Side::Unpacked, bytes)
    }

    /// Whether all there is has been read and more was asked for.
    pub(crate) fn at_end(&self) -> bool {
        self.at_end.get()
    }

    /// What an error of a reader really was. `path` is what was read.
    pub(crate) fn explain(&self, path: &Path, error: &io::Error) -> BundleError {
        if let Some(fault) = self.fault.take() {
            return fault.into();
        }
        if let Some(source) = self.failed_read.take() {
            return BundleError::Source { action: "read", path: path.to_owned(), source };
        }
        match error.kind() {
            _ if self.at_end() => BundleFault::CutOff.into(),
            io::ErrorKind::UnexpectedEof => BundleFault::CutOff.into(),
            _ => BundleFault::Damaged(one_line(&error.to_string())).into(),
        }
    }

    fn count(&self, side: Side, bytes: u64) -> Result<(), BundleFault> {
        if self.exempt_since.get().is_some() {
            return Ok(());
        }
        if Instant::now() > self.deadline.get() {
            return Err(BundleFault::Time(self.limits.time));
        }
        let (used, limit, fault) = match side {
            Side::Compressed => {
                let limit = self.limits.compressed;
                (&self.compressed, limit, BundleFault::Compressed(limit))
            }
            Side::Unpacked => {
                let limit = self.limits.unpacked;
                (&self.unpacked, limit, BundleFault::Unpacked(limit))
            }
            Side::Plain => return Ok(()),
        };
        used.set(used.get().saturating_add(bytes));
        if used.get() > limit { Err(fault) } else { Ok(()) }
    }
}

/// A reader whose bytes are counted.
pub(crate) struct Metered<R> {
    inner: R,
    side: Side,
    budget: Rc<Budget>,
}

impl<R: Read> Metered<R> {
    pub(crate) fn new(inner: R, side: Side, budget: &Rc<Budget>) -> Metered<R> {
        Metered { inner, side, budget: Rc::clone(budget) }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.inner.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                if self.side != Side::Unpacked {
                    let kept = error
                        .raw_os_error()
                        .map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
                    *self.budget.failed_read.borrow_mut() = Some(kept);
                }
                return Err(error);
            }
        };
        if self.side == Side::Unpacked && count == 0 && !buffer.is_empty() {
            self.budget.at_end.set(true);
        }
        self.budget.count(self.side, count as u64).map_err(|fault| {
            let error = io::Error::other(fault.to_string());
            *self.budget.fault.borrow_mut() = Some(fault);
            error
        })?;
        Ok(count)
    }
}
