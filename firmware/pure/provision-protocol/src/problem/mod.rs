//! Errors as RFC 9457 problem details: one type, stable codes, and the one place where an error becomes a status.

mod code;
mod from;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use code::Code;

use crate::UnixTime;
use crate::jobs::{JobId, JobKind};

/// The media type of a [`Problem`].
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// What `WWW-Authenticate` says with a 401 (RFC 9110 section 11.6.1).
pub const CHALLENGE: &str = "SSHSIG namespace=\"slipway-request@v1\"";

/// An error, as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: String,
    code: Code,
    status: u16,
    title: String,
    detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    running: Option<RunningJob>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allowed: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    problems: Vec<ConfigProblem>,
}

/// The job that is in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningJob {
    /// Which.
    pub job_id: JobId,
    /// What it does.
    pub command: JobKind,
    /// Since when.
    pub since: UnixTime,
    /// Where it can be read.
    pub url: String,
}

/// Something that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigProblem {
    /// The stable code of the reader's: `unknown-key`.
    pub code: String,
    /// The key, dotted.
    pub path: String,
    /// Which file.
    pub file: String,
    /// From 1 on; `None`: it is about no line.
    pub line: Option<u32>,
    /// From 1 on.
    pub column: Option<u32>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Problem {
    /// An error with its reason: a sentence that says what to do next.
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("/api/problems/{}", code.as_str()),
            code,
            status: code.status(),
            title: code.title().to_owned(),
            detail: detail.into(),
            running: None,
            retry_after_s: None,
            allowed: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// A configuration that is not right, with everything that is wrong.
    pub fn config_refused(problems: Vec<ConfigProblem>) -> Problem {
        let detail = match problems.as_slice() {
            [one] => one.message.clone(),
            many => format!("{} problems", many.len()),
        };
        Problem { problems, ..Problem::new(Code::ConfigRefused, detail) }
    }

    /// Its code: what clients may compare.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The job that is in the way.
    pub fn running(&self) -> Option<&RunningJob> {
        self.running.as_ref()
    }

    /// Everything that is wrong with a configuration.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }

    /// Headers that belong to it, beside `Content-Type`.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if self.status == 401 {
            headers.push(("www-authenticate", CHALLENGE.to_owned()));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.push(("retry-after", seconds.to_string()));
        }
        if !self.allowed.is_empty() {
            headers.push(("allow", self.allowed.join(", ")));
        }
        headers
    }

    /// The body.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings and numbers only: there is nothing that JSON cannot say.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
