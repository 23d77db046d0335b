//! Method, path and query → what is asked. The routes that exist are those that are read here.

use std::str::FromStr;

use super::{Command, ConfirmWindow, Named, PartialChange, Section};
use crate::jobs::JobId;
use crate::problem::Code;
use crate::request::{Method, Target};
use crate::{Bearer, BearerHash};

/// What is asked, and whether anybody may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Anybody.
    Open(Open),
    /// Who proves that he may.
    Guarded(Command),
}

/// What is answered to anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Open {
    /// Whether the API runs.
    Health,
    /// A nonce, and the device's id.
    Nonce,
    /// The description of the API.
    OpenApi,
    /// What a code in a problem means.
    Problem(Code),
    /// One job. Its id is 128 random bits, known to who started it.
    Job(JobId),
    /// What happens in a job, as it happens.
    JobEvents(JobId),
    /// Takes a one-time URL, and gives the cookie.
    Redeem(BearerHash),
}

/// Why nothing is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteFault {
    /// No such path.
    #[error("there is nothing at {0}")]
    NotFound(String),
    /// The path is there, with other methods.
    #[error("{method} is not possible there; possible are: {}", names(allowed))]
    MethodNotAllowed {
        /// What was tried.
        method: Method,
        /// What is possible, for the `Allow` header.
        allowed: Vec<Method>,
    },
    /// The query is not one.
    #[error("the query is not right: {0}")]
    Query(String),
}

fn names(methods: &[Method]) -> String {
    methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ")
}

impl Route {
    /// Reads it. Paths are compared as they are written: no percent sign, no `//`, no `/` at the end leads anywhere.
    ///
    /// # Errors
    /// When there is no such route.
    pub fn parse(method: Method, target: &Target) -> Result<Route, RouteFault> {
        let path = target.path();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let mut query = Query::parse(target.query())?;
        let Some(route) = find(method, &segments, &mut query)? else {
            let others = Method::ALL.into_iter().filter(|&other| {
                other != method && !matches!(find(other, &segments, &mut Query::default()), Ok(None))
            });
            let allowed: Vec<Method> = others.collect();
            return Err(match allowed.is_empty() {
                true => RouteFault::NotFound(path.chars().take(80).collect()),
                false => RouteFault::MethodNotAllowed { method, allowed },
            });
        };
        query.finish()?;
        Ok(route)
    }
}

fn find(method: Method, segments: &[&str], query: &mut Query<'_>) -> Result<Option<Route>, RouteFault> {
    use Method::{Delete, Get, Patch, Post, Put};
    let guarded = |command| Some(Route::Guarded(command));
    let open = |open| Some(Route::Open(open));
    let ["api", rest @ ..] = segments else {
        return Ok(match (method, segments) {
            (Get, ["session", code]) => Bearer::parse(code).and_then(|code| open(Open::Redeem(code.hash()))),
            _ => None,
        });
    };
    Ok(match (method, rest) {
        (Get, ["health"]) => open(Open::Health),
        (Get, ["nonce"]) => open(Open::Nonce),
        (Get, ["openapi.json"]) => open(Open::OpenApi),
        (Get, ["problems", code]) => Code::find(code).and_then(|code| open(Open::Problem(code))),
        (Get, ["jobs", id]) => word(id).and_then(|id| open(Open::Job(id))),
        (Get, ["jobs", id, "events"]) => word(id).and_then(|id| open(Open::JobEvents(id))),

        (Post, ["validate"]) => guarded(Command::Validate),
        (Get, ["config"]) => guarded(Command::Export),
        (Post, ["config"]) => guarded(Command::Import { confirm: query.confirm()? }),
        (Post, ["config", "confirm"]) => guarded(Command::Confirm),
        (Post, ["config", "revert"]) => guarded(Command::Revert),
        (Post, ["config", "rollback"]) => {
            let to = query.take("to").map(|text| parsed("to", text)).transpose()?;
            guarded(Command::Rollback { to, confirm: query.confirm()? })
        }
        (Get, ["history"]) => guarded(Command::History),

        (Put | Delete, [kind, name]) if named(kind, name).is_some() => named(kind, name).and_then(|named| {
            let put = method == Put;
            guarded(Command::Change(if put {
                PartialChange::Put(named)
            } else {
                PartialChange::Remove(named)
            }))
        }),
        (Patch, [name]) => {
            section(name).and_then(|section| guarded(Command::Change(PartialChange::Merge(section))))
        }
        (Put, ["container-images", hash]) => word(hash).and_then(|hash| guarded(Command::UploadImage(hash))),

        (Get, ["jobs"]) => guarded(Command::Jobs),
        (Delete, ["jobs", id]) => word(id).and_then(|id| guarded(Command::CancelJob(id))),
        (Get, ["status"]) => guarded(Command::Status),
        (Get, ["why"]) => guarded(Command::Why),
        (Get, ["logs"]) => guarded(Command::Logs),
        (Get, ["sbom"]) => guarded(Command::Sbom),
        (Get, ["audit"]) => guarded(Command::Audit),

        (Post, ["session"]) => guarded(Command::OpenSession),
        (Delete, ["session"]) => guarded(Command::CloseSession),
        (Get, ["tokens"]) => guarded(Command::Tokens),
        (Post, ["tokens"]) => guarded(Command::CreateToken),
        (Delete, ["tokens", id]) => word(id).and_then(|id| guarded(Command::RevokeToken(id))),

        (Post, ["reboot"]) => match query.take("to") {
            None => guarded(Command::Reboot),
            Some("usb-recovery") => guarded(Command::UsbRecovery),
            Some(_) => return Err(RouteFault::Query("`to` is `usb-recovery`, or left out".to_owned())),
        },
        (Post, ["factory-reset"]) => guarded(Command::FactoryReset),
        (Post, ["repair-data"]) => guarded(Command::RepairData),
        _ => None,
    })
}

fn named(kind: &str, name: &str) -> Option<Named> {
    match kind {
        "users" => word(name).map(Named::User),
        "containers" => word(name).map(Named::Container),
        "container-networks" => word(name).map(Named::ContainerNetwork),
        "container-volumes" => word(name).map(Named::ContainerVolume),
        _ => None,
    }
}

fn section(name: &str) -> Option<Section> {
    match name {
        "network" => Some(Section::Network),
        "updates" => Some(Section::Updates),
        "health" => Some(Section::Health),
        "netboot" => Some(Section::Netboot),
        _ => None,
    }
}

fn word<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(key: &str, text: &str) -> Result<T, RouteFault> {
    text.parse().map_err(|error| RouteFault::Query(format!("`{key}`: {error}")))
}

/// `key=value&…`; every key once, and none that the route does not take.
#[derive(Debug, Default)]
struct Query<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Query<'a> {
    fn parse(text: Option<&'a str>) -> Result<Query<'a>, RouteFault> {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for pair in text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| RouteFault::Query("it is written as key=value&key=value".to_owned()))?;
            if pairs.iter().any(|(other, _)| *other == key) {
                return Err(RouteFault::Query(format!("`{key}` is there twice")));
            }
            pairs.push((key, value));
        }
        Ok(Query(pairs))
    }

    fn take(&mut self, key: &str) -> Option<&'a str> {
        let at = self.0.iter().position(|(other, _)| *other == key)?;
        Some(self.0.remove(at).1)
    }

    fn confirm(&mut self) -> Result<Option<ConfirmWindow>, RouteFault> {
        let Some(text) = self.take("confirm") else { return Ok(None) };
        let window = text.parse().ok().and_then(ConfirmWindow::from_secs);
        let fault = || RouteFault::Query("`confirm` is a number of seconds, 10 to 86400".to_owned());
        window.map(Some).ok_or_else(fault)
    }

    fn finish(self) -> Result<(), RouteFault> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(RouteFault::Query(format!("`{key}` means nothing here"))),
        }
    }
}
