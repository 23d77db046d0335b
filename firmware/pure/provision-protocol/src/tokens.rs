//! Scoped tokens: for programs that act without a person, and may do one thing.

use std::fmt;
use std::str::FromStr;

use appliance_types::InvalidWord;
use serde::{Deserialize, Serialize};

use crate::command::{Command, Scope};
use crate::signers::Signer;
use crate::verify::{Authorised, Who};
use crate::words::{Bearer, BearerHash, UnixTime, WallClock, word_is_its_text};

/// How many tokens there may be.
pub const MAX_TOKENS: usize = 64;

/// What a token begins with, so that scanners for leaked secrets know it.
const PREFIX: &str = "slipway_";

/// The name of a token in lists and logs: `t` and 8 hexadecimal digits. It is no secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId(String);

/// What a person calls a token: 1 to 64 printable characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenName(String);

/// A token, as it is kept: with the hash of its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRecord {
    /// Its id.
    pub id: TokenId,
    /// What for.
    pub name: TokenName,
    /// What it is good for.
    pub scope: Scope,
    /// What its secret hashes to.
    hash: BearerHash,
    /// When it was made.
    pub created: UnixTime,
    /// From when on it is void; `None`: never by itself.
    pub expires: Option<UnixTime>,
    /// Who made it. It outlives that key: a production line does not stand still because somebody left; revoke it then.
    pub by: Signer,
}

/// All tokens; kept as one file, written whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens(Vec<TokenRecord>);

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    tokens: Vec<TokenRecord>,
}

const VERSION: u32 = 1;

/// What whoever makes a token says about it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenWish {
    /// What for.
    pub name: TokenName,
    /// What it is to be good for.
    pub scope: Scope,
    /// From when on it is void.
    #[serde(default)]
    pub expires: Option<UnixTime>,
}

/// A token that was just made, with its text, which is shown this once.
#[derive(Debug)]
pub struct MadeToken {
    /// What is kept.
    pub record: TokenRecord,
    /// Its text.
    pub text: TokenText,
}

/// `slipway_t0a1b2c3d_…`: what a program sends as `Authorization: Bearer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenText {
    id: TokenId,
    secret: Bearer,
}

/// Why a token does not open something, or is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is not one of this device, or was revoked.
    #[error("the token is not one of this device, or was revoked")]
    Unknown,
    /// Its time is over.
    #[error("the token {0} expired at {1}")]
    Expired(TokenId, UnixTime),
    /// It ends some day, and nobody knows what day it is.
    #[error("the token {0} expires, and the device does not know the time yet: it waits for a time server")]
    ClockNotSet(TokenId),
    /// It is for something else.
    #[error("the token {0} is not good for this")]
    Scope(TokenId),
    /// There are too many.
    #[error("there are {MAX_TOKENS} tokens, and no more are possible: revoke one")]
    TooMany,
    /// It was to be over before it was made.
    #[error("the token would be over already: its `expires` is not in the future")]
    AlreadyOver,
    /// Something else was asked, or not by a signature.
    #[error("making a token needs a signature made for this request")]
    NotAsked,
}

/// Why a file of tokens cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TokensFileError {
    /// Not JSON, or not of this form.
    #[error("the file of tokens cannot be read")]
    Format(#[from] serde_json::Error),
    /// Of a later form.
    #[error("the file of tokens is of version {0}, and this program reads version {VERSION}")]
    Version(u32),
    /// Two of the same id, or too many.
    #[error("the file of tokens contradicts itself: two tokens of one id, or more than {MAX_TOKENS}")]
    Contradiction,
}

impl Tokens {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is not one. No token is good then: whoever reads it says so, and does not overwrite it.
    pub fn parse(bytes: &[u8]) -> Result<Tokens, TokensFileError> {
        let File { version, mut tokens } = serde_json::from_slice(bytes)?;
        if version != VERSION {
            return Err(TokensFileError::Version(version));
        }
        tokens.sort_by(|a, b| a.id.cmp(&b.id));
        match tokens.len() > MAX_TOKENS || tokens.windows(2).any(|pair| pair[0].id == pair[1].id) {
            true => Err(TokensFileError::Contradiction),
            false => Ok(Tokens(tokens)),
        }
    }

    /// The file's content.
    pub fn to_bytes(&self) -> Vec<u8> {
        let file = File { version: VERSION, tokens: self.0.clone() };
        // Strings and numbers only: there is nothing that JSON cannot say.
        serde_json::to_vec_pretty(&file).unwrap_or_default()
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &TokenRecord> {
        self.0.iter()
    }

    /// Makes one. Good once the file with it is on the disk: change a copy, write it, then use it. `random` is from the system's
    /// source of random numbers.
    ///
    /// # Errors
    /// When there are too many, it would be over already, or nobody signed for it.
    pub fn create(
        &mut self,
        asked: &Authorised<Command>,
        wish: TokenWish,
        random: ([u8; 4], [u8; 32]),
        clock: WallClock,
    ) -> Result<MadeToken, TokenFault> {
        let (Command::CreateToken, Who::Admin(by)) = (asked.command(), asked.by()) else {
            return Err(TokenFault::NotAsked);
        };
        if self.0.len() >= MAX_TOKENS {
            return Err(TokenFault::TooMany);
        }
        if wish.expires.is_some_and(|expires| expires <= clock.now) {
            return Err(TokenFault::AlreadyOver);
        }
        // An id that is taken counts up: 64 of 2^32 leave one free soon.
        let mut number = u32::from_be_bytes(random.0);
        let id = loop {
            let id = TokenId::new(number);
            if self.0.iter().all(|token| token.id != id) {
                break id;
            }
            number = number.wrapping_add(1);
        };
        let secret = Bearer::new(random.1);
        let TokenWish { name, scope, expires } = wish;
        let record = TokenRecord {
            id: id.clone(),
            name,
            scope,
            hash: secret.hash(),
            created: clock.now,
            expires,
            by: by.clone(),
        };
        self.0.push(record.clone());
        self.0.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(MadeToken { record, text: TokenText { id, secret } })
    }

    /// Makes one void; `None`: there is none of this id.
    pub fn revoke(&mut self, id: &TokenId) -> Option<TokenRecord> {
        let at = self.0.iter().position(|token| token.id == *id)?;
        Some(self.0.remove(at))
    }

    /// Which token it is, when it is good for `scope`.
    pub(crate) fn examine(
        &self,
        text: &TokenText,
        scope: Option<Scope>,
        clock: WallClock,
    ) -> Result<&TokenRecord, TokenFault> {
        let token = self.0.iter().find(|token| token.id == text.id && token.hash == text.secret.hash());
        let token = token.ok_or(TokenFault::Unknown)?;
        let id = || token.id.clone();
        match token.expires {
            // Also with a clock that nobody confirmed: it never shows a time before the real one was.
            Some(expires) if expires <= clock.now => return Err(TokenFault::Expired(id(), expires)),
            Some(_) if !clock.synchronised => return Err(TokenFault::ClockNotSet(id())),
            Some(_) | None => {}
        }
        if scope == Some(token.scope) { Ok(token) } else { Err(TokenFault::Scope(id())) }
    }
}

impl TokenId {
    fn new(number: u32) -> TokenId {
        TokenId(format!("t{number:08x}"))
    }
}

impl TokenText {
    /// The text, for the one who is to have it.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, self.secret.reveal())
    }

    pub(crate) fn parse(text: &str) -> Option<TokenText> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        Some(TokenText { id: id.parse().ok()?, secret: Bearer::parse(secret)? })
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TokenId {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<TokenId, InvalidWord> {
        let digits = text.strip_prefix('t').filter(|digits| digits.len() == 8);
        let good =
            digits.is_some_and(|digits| digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        match good {
            true => Ok(TokenId(text.to_owned())),
            false => Err(InvalidWord::new(text, "the id of a token", "it is t and 8 digits 0-9 a-f")),
        }
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TokenName {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<TokenName, InvalidWord> {
        let printable = !text.chars().any(char::is_control) && !text.trim().is_empty();
        match printable && text.chars().count() <= 64 {
            true => Ok(TokenName(text.to_owned())),
            false => {
                Err(InvalidWord::new(text, "the name of a token", "it has 1 to 64 printable characters"))
            }
        }
    }
}

word_is_its_text!(TokenId);
word_is_its_text!(TokenName);

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
