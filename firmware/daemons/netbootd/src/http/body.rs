//! A part of a boot file as the body of an answer, of a length that is known before.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::boot_root::BootFile;

/// Read and sent at a time.
const CHUNK: u64 = 128 << 10;

/// What is left to send.
pub(super) struct FileBody {
    source: Source,
    /// Counts what goes out; the connection's watchdog looks at it.
    progress: Arc<AtomicU64>,
}

enum Source {
    Text(Option<Bytes>),
    File {
        file: Arc<BootFile>,
        at: u64,
        left: u64,
    },
    /// The answer to HEAD.
    Nothing,
}

impl FileBody {
    /// A short text.
    pub(super) fn text(text: String) -> FileBody {
        FileBody { source: Source::Text(Some(text.into())), progress: Arc::default() }
    }

    /// `length` bytes of `file`, beginning at `from`.
    pub(super) fn file(file: Arc<BootFile>, from: u64, length: u64, progress: Arc<AtomicU64>) -> FileBody {
        FileBody { source: Source::File { file, at: from, left: length }, progress }
    }

    /// No content.
    pub(super) fn nothing() -> FileBody {
        FileBody { source: Source::Nothing, progress: Arc::default() }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let this = &mut *self;
        match &mut this.source {
            Source::Nothing | Source::Text(None) | Source::File { left: 0, .. } => Poll::Ready(None),
            Source::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Source::File { file, at, left } => {
                let length = CHUNK.min(*left);
                let mut chunk = vec![0; usize::try_from(length).unwrap_or_default()];
                // Read in place. It is in the page cache as a rule, and this thread serves nothing but boot files, so
                // handing each chunk to another thread would cost more than the wait for a cold one.
                if let Err(error) = file.read_exact_at(&mut chunk, *at) {
                    log::error!("HTTP: cannot read a boot file: {error}");
                    return Poll::Ready(Some(Err(error)));
                }
                *at += length;
                *left -= length;
                this.progress.fetch_add(length, Ordering::Relaxed);
                Poll::Ready(Some(Ok(Frame::data(chunk.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Nothing | Source::Text(None) | Source::File { left: 0, .. })
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Text(Some(text)) => SizeHint::with_exact(text.len() as u64),
            Source::File { left, .. } => SizeHint::with_exact(*left),
            Source::Nothing | Source::Text(None) => SizeHint::with_exact(0),
        }
    }
}
