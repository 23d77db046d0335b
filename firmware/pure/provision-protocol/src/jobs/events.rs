use serde::{Deserialize, Serialize};

use super::Step;
use crate::UnixTime;

/// How many events a record keeps. Of more, the oldest messages go; steps stay.
pub(super) const KEPT: usize = 256;

/// The longest message, in characters.
const MESSAGE: usize = 500;

/// Something that happened in a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts up from 1 within a job; a gap is where messages were dropped.
    pub number: u32,
    /// When.
    pub at: UnixTime,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// A step began.
    Step {
        /// Which.
        step: Step,
    },
    /// Something was said: one line.
    Message {
        /// What.
        text: String,
    },
    /// It ended; how is in the job.
    Ended,
}

impl EventKind {
    /// One line of at most 500 characters.
    pub(super) fn message(text: &str) -> EventKind {
        let words = text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
        EventKind::Message { text: words.collect::<Vec<_>>().join(" ").chars().take(MESSAGE).collect() }
    }

    fn name(&self) -> &'static str {
        match self {
            EventKind::Step { .. } => "step",
            EventKind::Message { .. } => "message",
            EventKind::Ended => "ended",
        }
    }
}

impl Event {
    /// As a server-sent event (WHATWG HTML, section 9.2). `Last-Event-ID` is the number.
    pub fn to_sse(&self) -> String {
        // JSON has no raw line feed, so it is one `data` line; and there is nothing in it that JSON cannot say.
        let data = serde_json::to_string(self).unwrap_or_default();
        format!("id: {}\nevent: {}\ndata: {data}\n\n", self.number, self.kind.name())
    }
}

/// Adds one, and drops an old message when there are too many.
pub(super) fn add(events: &mut Vec<Event>, at: UnixTime, kind: EventKind) {
    let number = events.last().map_or(1, |event| event.number.saturating_add(1));
    if events.len() >= KEPT
        && let Some(oldest) = events.iter().position(|event| matches!(event.kind, EventKind::Message { .. }))
    {
        events.remove(oldest);
    }
    events.push(Event { number, at, kind });
}
