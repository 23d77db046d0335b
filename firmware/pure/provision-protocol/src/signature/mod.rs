//! SSHSIG signatures (`PROTOCOL.sshsig` of OpenSSH), as `ssh-keygen -Y sign` makes them.

mod check;
mod wire;

use ssh_key::{Algorithm, HashAlg, PublicKey, Signature, SshSig};

use self::wire::Wire;
use crate::signers::{AllowedSigners, Fingerprint, Signer};

/// What our signatures are for. A signature for another purpose, for example a Git commit's, is not good here.
pub const NAMESPACE: &str = "slipway-request@v1";

/// A signature, read. What it signs is not looked at yet.
#[derive(Debug, Clone)]
pub(crate) struct RequestSignature(SshSig);

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// Nobody may sign.
    #[error("the device knows no administrator's key that could sign requests")]
    NobodyMaySign,
    /// Made for another purpose.
    #[error("the signature is for the namespace {0:?}: sign with `ssh-keygen -Y sign -n {NAMESPACE}`")]
    Namespace(String),
    /// By a key that may not sign.
    #[error("{0} is not the key of an administrator of this device")]
    NotAnAdmin(Fingerprint),
    /// By a security key that nobody touched.
    #[error("the security key signed without a touch: make one without `-O no-touch-required`")]
    Untouched,
    /// Not over this text, or not by this key.
    #[error(
        "the signature is not one over the text in Slipway-Request: sign exactly the bytes that are sent"
    )]
    Wrong,
}

impl RequestSignature {
    /// Reads what stands between the lines of the armour, decoded: every byte of it, and in the one way it is written. What the
    /// signature covers would be safe without that; but nothing unsigned gets a meaning by being ignored here.
    pub(crate) fn parse(blob: &[u8]) -> Option<RequestSignature> {
        let mut wire = Wire(blob.strip_prefix(b"SSHSIG\0\0\0\x01")?);
        let blob = wire.string()?;
        let key = PublicKey::from_bytes(blob).ok()?;
        let namespace = wire.text()?;
        let reserved = wire.string()?;
        let hash: HashAlg = wire.text()?.parse().ok()?;
        let signature = signature(wire.string()?)?;
        // The parser of keys lets wrong lengths inside of a key pass.
        let whole = wire.is_empty() && reserved.is_empty() && key.to_bytes().is_ok_and(|bytes| bytes == blob);
        let read = SshSig::new(key.key_data().clone(), namespace, hash, signature).ok()?;
        whole.then_some(RequestSignature(read))
    }

    /// Whose signature over `text` it is.
    pub(crate) fn verify(&self, text: &[u8], signers: &AllowedSigners) -> Result<Signer, SignatureFault> {
        let RequestSignature(signature) = self;
        if signers.is_empty() {
            return Err(SignatureFault::NobodyMaySign);
        }
        if signature.namespace() != NAMESPACE {
            return Err(SignatureFault::Namespace(signature.namespace().chars().take(80).collect()));
        }
        let signer = signers
            .find(signature.public_key())
            .ok_or_else(|| SignatureFault::NotAnAdmin(Fingerprint::of(signature.public_key())))?;
        let signed =
            SshSig::signed_data(NAMESPACE, signature.hash_alg(), text).map_err(|_| SignatureFault::Wrong)?;
        check::check(signature.public_key(), signature.signature(), &signed)?;
        Ok(signer)
    }
}

/// Algorithm and value; security keys append what they say of the touch.
fn signature(blob: &[u8]) -> Option<Signature> {
    let mut wire = Wire(blob);
    let algorithm: Algorithm = wire.text()?.parse().ok()?;
    let mut value = wire.string()?.to_vec();
    if matches!(algorithm, Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256) {
        value.extend(wire.take(check::SK_TRAILER)?);
    }
    let whole = wire.is_empty();
    Signature::new(algorithm, value).ok().filter(|_| whole)
}
