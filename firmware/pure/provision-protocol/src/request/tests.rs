use super::*;
use crate::nonce::Nonces;
use crate::{Sha256Digest, SignatureFault};
use proptest::prelude::*;
use std::time::Duration;

fn text() -> SignedText {
    SignedText {
        nonce: Nonces::new([7; 32]).make([1; 16], Duration::from_secs(9)),
        device: "02deadbeef01".parse().unwrap(),
        method: Method::Post,
        target: "/api/config?confirm=120".parse().unwrap(),
        content_type: Some("application/toml".parse().unwrap()),
        body: Sha256Digest::of(b"abc"),
    }
}

#[test]
fn the_signed_text_is_seven_lines_and_nothing_else() {
    let good = text().to_string();
    assert_eq!(good.lines().count(), 7);
    assert!(good.ends_with("f20015ad\n"), "{good}");
    assert_eq!(good.parse(), Ok(text()));
    let none = SignedText { content_type: None, ..text() };
    assert!(none.to_string().contains("\ncontent-type: -\n"));
    assert_eq!(none.to_string().parse(), Ok(none));

    let line = |line, key| SignedTextFault::Line { line, key };
    let rows = [
        ("".to_owned(), SignedTextFault::Title),
        (good.replace("v1", "v2"), SignedTextFault::Title),
        (good.replace('\n', "\r\n"), SignedTextFault::Title),
        (good.trim_end().to_owned(), SignedTextFault::End),
        (format!("{good}\n"), SignedTextFault::End),
        (format!("{good}x"), SignedTextFault::End),
        (good.replace("nonce: ", "nonce:"), line(2, "nonce")),
        (good.replace("nonce: ", "Nonce: "), line(2, "nonce")),
        (good.replace("device: 02deadbeef01\n", ""), line(3, "device")),
        (good.replace("method: POST\n", "method: POST\nmethod: GET\n"), line(5, "target")),
        (good.replace("01\n", "01\n\n"), line(4, "method")),
        (good.split_inclusive('\n').take(3).collect(), line(4, "method")),
        (good.replace("device", "gerät"), SignedTextFault::NotText),
        ("slipway-request v1\n".repeat(300), SignedTextFault::TooLong),
    ];
    for (text, fault) in rows {
        assert_eq!(text.parse::<SignedText>(), Err(fault), "{text:?}");
    }
    for (from, to) in [
        ("POST", "post"),
        ("POST", "HEAD"),
        ("/api", "api"),
        ("/api/config", "/api/con fig"),
        ("application/toml", ""),
        ("application/toml", " x"),
        ("ba7816", "BA7816"),
        ("02deadbeef01", "02deadbeef01 "),
    ] {
        let text = good.replace(from, to);
        assert!(matches!(text.parse::<SignedText>(), Err(SignedTextFault::Value(_))), "{text:?}");
    }
}

type Headers<'a> = &'a [(&'a str, &'a [u8])];

fn parse(headers: Headers<'_>) -> Result<SignedRequest, RequestFault> {
    SignedRequest::parse(&RequestHead { method: "POST", target: "/api/config", headers })
}

#[test]
fn headers_are_there_once_in_any_case_and_not_endless() {
    let long = vec![b'A'; HEADER_LIMIT + 1];
    let text = Base64::encode_string(text().to_string().as_bytes());
    let text = text.as_bytes();
    let rows: [(Headers<'_>, RequestFault); 8] = [
        (&[], RequestFault::Unsigned),
        (&[("slipway-request", text)], RequestFault::HalfSigned("Slipway-Signature")),
        (&[("SLIPWAY-SIGNATURE", b"AAAA")], RequestFault::HalfSigned("Slipway-Request")),
        (
            &[("Slipway-Request", text), ("slipway-request", text), ("Slipway-Signature", b"AAAA")],
            RequestFault::Twice("slipway-request"),
        ),
        (
            &[("Slipway-Request", &long), ("Slipway-Signature", b"A")],
            RequestFault::TooLong("slipway-request"),
        ),
        (
            &[("Slipway-Request", b"no base64!"), ("Slipway-Signature", b"AAAA")],
            RequestFault::NotBase64("Slipway-Request"),
        ),
        (
            &[("Slipway-Request", text), ("Slipway-Signature", b"-----BEGIN SSH")],
            RequestFault::NotBase64("Slipway-Signature"),
        ),
        (&[("Slipway-Request", text), ("Slipway-Signature", b" AAAA ")], RequestFault::Signature),
    ];
    for (headers, fault) in rows {
        assert_eq!(parse(headers).unwrap_err(), fault, "{headers:?}");
    }
    let two_types: &[(&str, &[u8])] = &[
        ("Slipway-Request", text),
        ("Slipway-Signature", b"AAAA"),
        ("Content-Type", b"a/b"),
        ("content-type", b"a/b"),
    ];
    assert_eq!(parse(two_types).unwrap_err(), RequestFault::Twice("content-type"));
}

#[test]
fn a_content_type_has_an_essence() {
    let essence = |text: &str| text.parse::<ContentType>().unwrap().essence().to_owned();
    assert_eq!(essence("text/plain; charset=utf-8"), "text/plain");
    assert_eq!(essence("text/plain ;charset=utf-8"), "text/plain");
    assert_eq!(essence("application/toml"), "application/toml");
}

proptest! {
    /// What is read is what is written, whatever is sent: so the bytes that are verified are the bytes that came.
    #[test]
    fn any_text_reads_back_or_is_refused(
        at in 0..330usize,
        what in prop_oneof![Just("\n".to_owned()), Just(" ".to_owned()), Just(String::new()), ".{1,3}", "[a-z0-9:/ \n-]{1,9}"],
        cut in 0..4usize,
    ) {
        let mut changed = text().to_string();
        let at = at.min(changed.len());
        let end = (at + cut).min(changed.len());
        changed.replace_range(at..end, &what);
        if let Ok(read) = changed.parse::<SignedText>() {
            prop_assert_eq!(read.to_string(), changed);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _either = SignedText::parse(&bytes);
    }

    #[test]
    fn any_headers_are_read_or_refused(
        headers in prop::collection::vec(
            (
                prop_oneof![Just("Slipway-Request"), Just("slipway-signature"), Just("Content-Type"), Just("x")],
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..80),
                    "[A-Za-z0-9+/=]{0,120}".prop_map(String::into_bytes),
                    Just(Base64::encode_string(text().to_string().as_bytes()).into_bytes()),
                ],
            ),
            0..5,
        ),
        method in "[A-Z]{0,6}|POST",
        target in "/?[ -~]{0,20}",
    ) {
        let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, &value[..])).collect();
        let _either = SignedRequest::parse(&RequestHead { method: &method, target: &target, headers: &headers });
    }

    /// Anything between a signature and noise: the parser neither panics nor takes memory by what a length says.
    #[test]
    fn any_signature_is_read_or_refused(
        at in 0..200usize,
        bytes in prop::collection::vec(any::<u8>(), 0..12),
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _either = RequestSignature::parse(&noise);
        let mut blob = b"SSHSIG\0\0\0\x01\0\0\0\x33\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
        blob.extend([9; 32]);
        blob.extend(b"\0\0\0\x12slipway-request@v1\0\0\0\0\0\0\0\x06sha512\0\0\0\x53\0\0\0\x0bssh-ed25519\0\0\0\x40");
        blob.extend([8; 64]);
        let whole = RequestSignature::parse(&blob).unwrap();
        let signers = crate::signers::AllowedSigners::default();
        prop_assert_eq!(whole.verify(b"", &signers), Err(SignatureFault::NobodyMaySign));
        let at = at.min(blob.len());
        let end = (at + bytes.len()).min(blob.len());
        blob.splice(at..end, bytes);
        let _either = RequestSignature::parse(&blob);
    }
}
