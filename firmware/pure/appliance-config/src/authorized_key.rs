use std::fmt;
use std::str::FromStr;

use ssh_key::{Algorithm, EcdsaCurve, HashAlg, PublicKey};

/// A public SSH key that may log in: `ssh-ed25519 AAAA… comment`, one line, whole, without options.
///
/// Types: Ed25519, ECDSA (P-256, P-384), their hardware-backed `sk-` forms, RSA of 2048 bits or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizedKey {
    line: String,
    fingerprint: String,
}

/// The longest line, in bytes: an RSA key of 16384 bits and a comment.
const MAX_LEN: usize = 4096;

/// The smallest RSA key, in bits.
const MIN_RSA_BITS: usize = 2048;

impl AuthorizedKey {
    /// The whole line, as sshd reads it.
    pub fn as_str(&self) -> &str {
        &self.line
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

impl fmt::Display for AuthorizedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// Why a text is no key that may log in. A sentence; it never repeats the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidKey(&'static str);

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidKey {}

impl FromStr for AuthorizedKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<AuthorizedKey, InvalidKey> {
        let line = text.trim();
        if line.chars().any(char::is_control) {
            return Err(InvalidKey("a public key is one line"));
        }
        if line.len() > MAX_LEN {
            return Err(InvalidKey("the key is longer than any public key"));
        }
        if line.contains("PRIVATE KEY") {
            return Err(InvalidKey(
                "this is a private key: write the line of the .pub file, and make a new key",
            ));
        }
        let kind = line.split(' ').next().unwrap_or_default();
        let algorithm = kind.parse::<Algorithm>().map_err(|_| {
            InvalidKey(
                "it does not begin with a key type such as ssh-ed25519; options before it are not allowed",
            )
        })?;
        // The parser reads the whole blob: a key cut short, or of another type inside, is refused here.
        let key = PublicKey::from_openssh(line).map_err(|_| {
            InvalidKey("the key is cut short or damaged; copy the whole line of the .pub file")
        })?;
        allowed(&algorithm, &key)?;
        Ok(AuthorizedKey { line: line.to_owned(), fingerprint: key.fingerprint(HashAlg::Sha256).to_string() })
    }
}

fn allowed(algorithm: &Algorithm, key: &PublicKey) -> Result<(), InvalidKey> {
    match algorithm {
        Algorithm::Ed25519 | Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => Ok(()),
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 | EcdsaCurve::NistP384 } => Ok(()),
        Algorithm::Rsa { .. } => {
            let modulus = key.key_data().rsa().and_then(|key| key.n.as_positive_bytes()).unwrap_or_default();
            let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
            match bits >= MIN_RSA_BITS {
                true => Ok(()),
                false => Err(InvalidKey("an RSA key needs 2048 bits or more; ed25519 is better")),
            }
        }
        _ => Err(InvalidKey(
            "keys of this type are not accepted; use ssh-ed25519, ecdsa-sha2-nistp256 or ssh-rsa",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";

    #[test]
    fn a_whole_key_is_kept_as_it_is() {
        let key: AuthorizedKey = ED25519.parse().unwrap();
        assert_eq!(key.as_str(), ED25519);
        assert_eq!(key.fingerprint(), "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ");
    }

    #[test]
    fn what_cannot_log_in_is_refused_with_a_reason() {
        let cut = &ED25519[..60];
        let rows = [
            ("", "key type"),
            ("hello", "key type"),
            (cut, "cut short"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "cut short"),
            ("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti", "cut short"),
            ("ssh-dss AAAAB3NzaC1kc3MAAACBAP", "key type"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
        ];
        for (text, reason) in rows {
            let error = text.parse::<AuthorizedKey>().unwrap_err().to_string();
            assert!(
                error.contains(reason) || reason == "key type" && error.contains("damaged"),
                "{text:?}: {error}"
            );
        }
        let options = format!("command=\"/bin/sh\" {ED25519}");
        assert!(options.parse::<AuthorizedKey>().unwrap_err().to_string().contains("options"));
        let two = format!("{ED25519}\n{ED25519}");
        assert_eq!(two.parse::<AuthorizedKey>().unwrap_err().to_string(), "a public key is one line");
    }
}
