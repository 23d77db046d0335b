//! The arithmetic, one key type after the other. `ssh-key` reads, `ed25519-dalek` and `ring` compute.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
};
use sha2::{Digest as _, Sha256};
use ssh_key::public::{Ed25519PublicKey, KeyData, RsaPublicKey};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, Signature};

use super::SignatureFault;
use super::wire::Wire;

/// Bit 0 of a security key's flags: somebody touched it (UP, WebAuthn section 6.1).
const TOUCHED: u8 = 0b1;

/// What a security key appends: its flags, and how often it signed.
pub(super) const SK_TRAILER: usize = 1 + 4;

/// Whether `signature` is one by `key` over `message`.
pub(super) fn check(key: &KeyData, signature: &Signature, message: &[u8]) -> Result<(), SignatureFault> {
    let bytes = signature.as_bytes();
    let good = match (key, signature.algorithm()) {
        (KeyData::Ed25519(key), Algorithm::Ed25519) => ed25519(key, bytes, message),
        (KeyData::Ecdsa(key), Algorithm::Ecdsa { curve }) if key.curve() == curve => {
            ecdsa(curve, key.as_sec1_bytes(), bytes, message)
        }
        (KeyData::Rsa(key), Algorithm::Rsa { hash: Some(hash) }) => rsa(key, hash, bytes, message),
        (KeyData::SkEd25519(key), Algorithm::SkEd25519) => {
            let (bytes, message) = touched(bytes, key.application(), message)?;
            ed25519(key.public_key(), bytes, &message)
        }
        (KeyData::SkEcdsaSha2NistP256(key), Algorithm::SkEcdsaSha2NistP256) => {
            let (bytes, message) = touched(bytes, key.application(), message)?;
            ecdsa(EcdsaCurve::NistP256, key.ec_point().as_bytes(), bytes, &message)
        }
        _ => None,
    };
    good.ok_or(SignatureFault::Wrong)
}

/// `verify_strict`: no key of small order, for which one signature is good for many texts.
fn ed25519(key: &Ed25519PublicKey, signature: &[u8], message: &[u8]) -> Option<()> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(&key.0).ok()?;
    let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
    key.verify_strict(message, &signature).ok()
}

/// RFC 5656 section 3.1.2: the signature is two integers, `r` and `s`.
fn ecdsa(curve: EcdsaCurve, point: &[u8], signature: &[u8], message: &[u8]) -> Option<()> {
    let (algorithm, size): (&EcdsaVerificationAlgorithm, usize) = match curve {
        EcdsaCurve::NistP256 => (&ECDSA_P256_SHA256_FIXED, 32),
        EcdsaCurve::NistP384 => (&ECDSA_P384_SHA384_FIXED, 48),
        EcdsaCurve::NistP521 => return None,
    };
    let mut wire = Wire(signature);
    let (r, s) = (wire.positive()?, wire.positive()?);
    if !wire.is_empty() {
        return None;
    }
    let mut fixed = vec![0; 2 * size];
    for (part, half) in [r, s].into_iter().zip(fixed.chunks_exact_mut(size)) {
        let start = size.checked_sub(part.len())?;
        half[start..].copy_from_slice(part);
    }
    UnparsedPublicKey::new(algorithm, point).verify(message, &fixed).ok()
}

/// RFC 8332. SHA-1 does not get here: the parser knows no signature with it.
fn rsa(key: &RsaPublicKey, hash: HashAlg, signature: &[u8], message: &[u8]) -> Option<()> {
    let algorithm = match hash {
        HashAlg::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        HashAlg::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
        _ => return None,
    };
    let key = RsaPublicKeyComponents { n: key.n.as_positive_bytes()?, e: key.e.as_positive_bytes()? };
    key.verify(algorithm, message, signature).ok()
}

/// Splits a security key's signature, and puts together what the key signed (`PROTOCOL.u2f`). Neither OpenSSH nor the parser asks
/// for the touch: without it, whoever gets into the owner's machine signs as the owner while the key is plugged in.
fn touched<'a>(
    signature: &'a [u8],
    application: &str,
    message: &[u8],
) -> Result<(&'a [u8], Vec<u8>), SignatureFault> {
    let at = signature.len().checked_sub(SK_TRAILER).ok_or(SignatureFault::Wrong)?;
    let (signature, trailer) = signature.split_at(at);
    if trailer[0] & TOUCHED == 0 {
        return Err(SignatureFault::Untouched);
    }
    let mut signed = Sha256::digest(application).to_vec();
    signed.extend_from_slice(trailer);
    signed.extend_from_slice(&Sha256::digest(message));
    Ok((signature, signed))
}
