//! A security key in software: what a FIDO token signs (`PROTOCOL.u2f` of OpenSSH), and the SSHSIG around it.

use ed25519_dalek::Signer as _;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use sha2::{Digest as _, Sha256, Sha512};

use super::encode;

const APPLICATION: &[u8] = b"ssh:";

/// Somebody touched it.
pub(crate) const TOUCHED: u8 = 1;

/// A PIN was asked for.
pub(crate) const VERIFIED: u8 = 4;

pub(crate) enum SecurityKey {
    Ed25519(ed25519_dalek::SigningKey),
    Ecdsa(EcdsaKeyPair, SystemRandom),
}

impl SecurityKey {
    pub(crate) fn ed25519() -> SecurityKey {
        SecurityKey::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[42; 32]))
    }

    pub(crate) fn ecdsa() -> SecurityKey {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
        SecurityKey::Ecdsa(pair.unwrap(), random)
    }

    fn kind(&self) -> &'static [u8] {
        match self {
            SecurityKey::Ed25519(_) => b"sk-ssh-ed25519@openssh.com",
            SecurityKey::Ecdsa(..) => b"sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    fn public_blob(&self) -> Vec<u8> {
        let mut blob = string(self.kind());
        match self {
            SecurityKey::Ed25519(key) => blob.extend(string(key.verifying_key().as_bytes())),
            SecurityKey::Ecdsa(pair, _) => {
                blob.extend(string(b"nistp256"));
                blob.extend(string(pair.public_key().as_ref()));
            }
        }
        blob.extend(string(APPLICATION));
        blob
    }

    /// The line of the `.pub` file.
    pub(crate) fn public(&self) -> String {
        format!("{} {}", std::str::from_utf8(self.kind()).unwrap(), encode(&self.public_blob()))
    }

    /// The value of the header. `said` is what the token says of the touch, `signed` what it signs of it.
    pub(crate) fn sign(&self, namespace: &str, text: &str, said: u8, signed: u8) -> String {
        let mut message = b"SSHSIG".to_vec();
        for part in [namespace.as_bytes(), b"", b"sha512", &Sha512::digest(text)] {
            message.extend(string(part));
        }
        let counter = 7u32.to_be_bytes();
        let mut to_sign = Sha256::digest(APPLICATION).to_vec();
        to_sign.push(signed);
        to_sign.extend(counter);
        to_sign.extend(Sha256::digest(message));

        let raw = match self {
            SecurityKey::Ed25519(key) => key.sign(&to_sign).to_bytes().to_vec(),
            SecurityKey::Ecdsa(pair, random) => {
                let fixed = pair.sign(random, &to_sign).unwrap();
                let (r, s) = fixed.as_ref().split_at(32);
                [mpint(r), mpint(s)].concat()
            }
        };
        let mut signature = string(self.kind());
        signature.extend(string(&raw));
        signature.push(said);
        signature.extend(counter);

        let mut blob = b"SSHSIG\x00\x00\x00\x01".to_vec();
        for part in [&self.public_blob()[..], namespace.as_bytes(), b"", b"sha512", &signature] {
            blob.extend(string(part));
        }
        encode(&blob)
    }
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

fn mpint(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|&byte| byte != 0).unwrap();
    let sign: &[u8] = if bytes[start] & 0x80 != 0 { &[0] } else { &[] };
    string(&[sign, &bytes[start..]].concat())
}
