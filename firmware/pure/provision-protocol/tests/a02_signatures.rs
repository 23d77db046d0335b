//! What counts as a signature and what does not, with signatures by the real `ssh-keygen -Y sign`.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is the assertion itself")]
#![expect(
    clippy::disallowed_methods,
    reason = "this is about another program, its files, and keys made at random"
)]
#![expect(clippy::disallowed_macros, reason = "a test that is skipped says so")]

mod common;

use std::process::{Command as Program, Stdio};
use std::time::Duration;

use common::authenticator::{SecurityKey, TOUCHED, VERIFIED};
use common::{Device, Key, Request, skipped_without};
use provision_protocol::nonce::NONCE_LIFE;
use provision_protocol::signers::KeyFault;
use provision_protocol::signers::SignerKey;
use provision_protocol::verify::Who;
use provision_protocol::{Code, NAMESPACE, Problem, Sha256Digest};

/// What was answered: a code, and that it is a 401.
fn refused(device: &mut Device, request: &Request) -> Code {
    let refusal = device.send(request).unwrap_err();
    let problem = Problem::from(&refusal);
    assert_eq!(problem.status(), 401, "{refusal}");
    assert!(problem.headers().iter().any(|(name, _)| *name == "www-authenticate"));
    problem.code()
}

fn ed25519() -> Option<(Key, Device)> {
    if skipped_without("ssh-keygen") {
        return None;
    }
    let key = Key::new("ed25519");
    let device = Device::of(&[&key.public]);
    Some((key, device))
}

#[test]
fn a02_every_type_of_key_that_may_administer_may_sign() {
    if skipped_without("ssh-keygen") {
        return;
    }
    let kinds = ["ed25519", "ecdsa -b 256", "ecdsa -b 384", "rsa -b 2048", "rsa -b 3072"];
    let keys = kinds.map(Key::new);
    let mut device = Device::of(&[0, 1, 2, 3, 4].map(|index| keys[index].public.as_str()));
    for (key, (kind, user)) in
        keys.iter().zip(kinds.into_iter().zip(["alice", "bob", "carol", "dave", "erin"]))
    {
        for hash in ["hashalg=sha512", "hashalg=sha256"] {
            let text = device.text();
            let signature = key.sign(NAMESPACE, &text.to_string(), &["-O", hash]);
            let request = Device::request(&text, signature);
            let authorised =
                device.send(&request).unwrap_or_else(|refusal| panic!("{kind} {hash}: {refusal}"));
            let Who::Admin(signer) = authorised.by() else { panic!("{kind}: {:?}", authorised.by()) };
            assert_eq!(signer.user.as_ref().unwrap().as_str(), user);
        }
        // And by each of them, not over another text.
        let mut request = device.signed_by(key);
        request.signed = Some(device.text().to_string());
        assert_eq!(refused(&mut device, &request), Code::WrongSignature, "{kind}");
    }
}

#[test]
fn a02_weak_and_strange_keys_cannot_be_allowed() {
    if skipped_without("ssh-keygen") {
        return;
    }
    let parse = |key: &Key| key.public.parse::<SignerKey>().unwrap_err();
    assert_eq!(parse(&Key::new("rsa -b 1024")), KeyFault::RsaBits(1024));
    assert_eq!(parse(&Key::new("ecdsa -b 521")), KeyFault::Type("ecdsa-sha2-nistp521".to_owned()));
    assert_eq!("ssh-ed25519 AAAA".parse::<SignerKey>().unwrap_err(), KeyFault::Unreadable);
}

#[test]
fn a02_unsigned() {
    let Some((key, mut device)) = ed25519() else { return };
    let good = device.signed_by(&key);
    let unsigned = Request { signed: None, signature: None, ..good.clone() };
    assert_eq!(refused(&mut device, &unsigned), Code::Unsigned);
    let half = Request { signature: None, ..good.clone() };
    assert_eq!(refused(&mut device, &half), Code::BadSignatureHeader);
    let half = Request { signed: None, ..good.clone() };
    assert_eq!(refused(&mut device, &half), Code::BadSignatureHeader);
    let garbage = Request { signature: Some("AAAA".to_owned()), ..good.clone() };
    assert_eq!(refused(&mut device, &garbage), Code::BadSignatureHeader);
    device.send(&good).unwrap();
}

#[test]
fn a02_wrong_key() {
    let Some((_, mut device)) = ed25519() else { return };
    let request = device.signed_by(&Key::new("ed25519"));
    assert_eq!(refused(&mut device, &request), Code::WrongKey);
    let request = device.signed_by(&Key::new("rsa -b 2048"));
    assert_eq!(refused(&mut device, &request), Code::WrongKey);
}

#[test]
fn a02_nobody_may_sign_fails_closed() {
    let Some((key, _)) = ed25519() else { return };
    let mut device = Device::of(&[]);
    let request = device.signed_by(&key);
    assert_eq!(refused(&mut device, &request), Code::NobodyMaySign);
}

#[test]
fn a02_wrong_namespace() {
    let Some((key, mut device)) = ed25519() else { return };
    for namespace in ["git", "file", "slipway-request", "slipway-request@v2"] {
        let text = device.text();
        let signature = key.sign(namespace, &text.to_string(), &[]);
        let request = Device::request(&text, signature);
        assert_eq!(refused(&mut device, &request), Code::WrongNamespace, "{namespace}");
    }
}

#[test]
fn a02_replayed_nonce() {
    let Some((key, mut device)) = ed25519() else { return };
    let request = device.signed_by(&key);
    device.send(&request).unwrap();
    assert_eq!(refused(&mut device, &request), Code::NonceReplayed);
    // Another request over the same nonce, too.
    let mut text = device.text();
    let used = request.signed.unwrap().parse::<provision_protocol::request::SignedText>().unwrap();
    text.nonce = used.nonce;
    text.target = "/api/config?confirm=60".parse().unwrap();
    let signature = key.sign(NAMESPACE, &text.to_string(), &[]);
    let second = Request { target: text.target.to_string(), ..Device::request(&text, signature) };
    assert_eq!(refused(&mut device, &second), Code::NonceReplayed);
}

#[test]
fn a02_a_request_that_was_changed_on_its_way_does_not_take_the_nonce_of_the_one_that_was_meant() {
    let Some((key, mut device)) = ed25519() else { return };
    let good = device.signed_by(&key);
    let changed = Request { target: "/api/config?confirm=60".to_owned(), ..good.clone() };
    assert_eq!(refused(&mut device, &changed), Code::OtherQuery);
    device.send(&good).unwrap();
}

#[test]
fn a02_expired_nonce() {
    let Some((key, mut device)) = ed25519() else { return };
    let request = device.signed_by(&key);
    device.now += NONCE_LIFE;
    assert_eq!(refused(&mut device, &request), Code::NonceExpired);
    let request = device.signed_by(&key);
    device.now += NONCE_LIFE - Duration::from_millis(1);
    device.send(&request).unwrap();
}

#[test]
fn a02_nonce_of_another_device_or_of_an_earlier_start() {
    let Some((key, mut device)) = ed25519() else { return };
    let request = device.signed_by(&key);
    device.gate.nonces = provision_protocol::nonce::Nonces::new([8; 32]);
    assert_eq!(refused(&mut device, &request), Code::NonceUnknown);
}

#[test]
fn a02_other_method() {
    let Some((key, mut device)) = ed25519() else { return };
    let mut text = device.text();
    text.target = "/api/users/alice".parse().unwrap();
    text.method = "PUT".parse().unwrap();
    let signature = key.sign(NAMESPACE, &text.to_string(), &[]);
    let target = text.target.to_string();
    let put = Request { target, method: "PUT", ..Device::request(&text, signature) };
    let delete = Request { method: "DELETE", ..put.clone() };
    assert_eq!(refused(&mut device, &delete), Code::OtherMethod);
    device.send(&put).unwrap();
}

#[test]
fn a02_other_path() {
    let Some((key, mut device)) = ed25519() else { return };
    let good = device.signed_by(&key);
    let other = Request { target: "/api/validate".to_owned(), ..good.clone() };
    assert_eq!(refused(&mut device, &other), Code::OtherPath);
    device.send(&good).unwrap();
}

#[test]
fn a02_other_query() {
    let Some((key, mut device)) = ed25519() else { return };
    let good = device.signed_by(&key);
    for target in ["/api/config", "/api/config?confirm=86400", "/api/config?", "/api/config?confirm=120&"] {
        let other = Request { target: target.to_owned(), ..good.clone() };
        assert_eq!(refused(&mut device, &other), Code::OtherQuery, "{target}");
    }
    device.send(&good).unwrap();
}

#[test]
fn a02_other_body() {
    let Some((key, mut device)) = ed25519() else { return };
    for body in [&b""[..], b"version = 1", b"version = 2\n"] {
        let good = device.signed_by(&key);
        let other = Request { body: body.to_vec(), ..good.clone() };
        assert_eq!(refused(&mut device, &other), Code::OtherBody);
        // The signature was good and the nonce is used: nobody tries bodies one after the other.
        assert_eq!(refused(&mut device, &good), Code::NonceReplayed);
    }
}

#[test]
fn a02_other_content_type() {
    let Some((key, mut device)) = ed25519() else { return };
    let good = device.signed_by(&key);
    for content_type in [None, Some("application/x-tar"), Some("application/toml; charset=utf-8")] {
        let other = Request { content_type, ..good.clone() };
        assert_eq!(refused(&mut device, &other), Code::OtherContentType, "{content_type:?}");
    }
    device.send(&good).unwrap();
}

#[test]
fn a02_other_device() {
    let Some((key, mut device)) = ed25519() else { return };
    let mut text = device.text();
    text.device = "02deadbeef02".parse().unwrap();
    let request = Device::request(&text, key.sign(NAMESPACE, &text.to_string(), &[]));
    assert_eq!(refused(&mut device, &request), Code::OtherDevice);
}

#[test]
fn a02_a_signature_with_any_bit_changed_is_refused() {
    let Some((key, mut device)) = ed25519() else { return };
    let good = device.signed_by(&key);
    let signature = good.signature.clone().unwrap();
    for at in 0..signature.len() {
        let mut bytes = signature.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let bad = Request { signature: Some(String::from_utf8(bytes).unwrap()), ..good.clone() };
        let code = refused(&mut device, &bad);
        assert!(
            matches!(
                code,
                Code::BadSignatureHeader | Code::WrongSignature | Code::WrongKey | Code::WrongNamespace
            ),
            "character {at}: {code}"
        );
    }
    device.send(&good).unwrap();
}

#[test]
fn a02_security_keys_sign_when_they_are_touched() {
    for key in [SecurityKey::ed25519(), SecurityKey::ecdsa()] {
        let mut device = Device::of(&[&key.public()]);
        for flags in [TOUCHED, TOUCHED | VERIFIED] {
            let text = device.text();
            let request = Device::request(&text, key.sign(NAMESPACE, &text.to_string(), flags, flags));
            device.send(&request).unwrap();
        }
        for flags in [0, VERIFIED] {
            let text = device.text();
            let request = Device::request(&text, key.sign(NAMESPACE, &text.to_string(), flags, flags));
            assert_eq!(refused(&mut device, &request), Code::Untouched);
            // Said to be touched, and not signed as that.
            let lie = Device::request(&text, key.sign(NAMESPACE, &text.to_string(), flags | TOUCHED, flags));
            assert_eq!(refused(&mut device, &lie), Code::WrongSignature);
        }
    }
}

/// The authenticator of these tests makes what OpenSSH takes, touched or not: it is our rule that asks for the touch.
#[test]
fn ssh_keygen_verifies_what_the_authenticator_of_these_tests_signs() {
    if skipped_without("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for key in [SecurityKey::ed25519(), SecurityKey::ecdsa()] {
        for flags in [0, TOUCHED] {
            let text = Device::of(&[]).text().to_string();
            let armoured = key.sign(NAMESPACE, &text, flags, flags).into_bytes();
            let lines = armoured.chunks(70).map(|line| String::from_utf8_lossy(line).into_owned());
            let armoured = format!(
                "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
                lines.collect::<Vec<_>>().join("\n")
            );
            let put = |name: &str, text: &str| {
                let path = folder.path().join(name);
                std::fs::write(&path, text).unwrap();
                path
            };
            let signers = put("signers", &format!("alice {}\n", key.public()));
            let signature = put("text.sig", &armoured);
            let text = std::fs::File::open(put("text", &text)).unwrap();
            let mut program = Program::new("ssh-keygen");
            program.args(["-Y", "verify", "-I", "alice", "-n", NAMESPACE, "-f"]).arg(signers);
            let output = program.arg("-s").arg(signature).stdin(Stdio::from(text)).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn the_hash_of_no_body_is_the_hash_of_no_bytes() {
    let Some((key, mut device)) = ed25519() else { return };
    let mut text = device.text();
    text.method = "GET".parse().unwrap();
    text.target = "/api/config".parse().unwrap();
    text.content_type = None;
    text.body = Sha256Digest::of(b"");
    let signature = key.sign(NAMESPACE, &text.to_string(), &[]);
    let request = Request {
        method: "GET",
        target: "/api/config".to_owned(),
        content_type: None,
        body: Vec::new(),
        ..Device::request(&text, signature)
    };
    device.send(&request).unwrap();
}
