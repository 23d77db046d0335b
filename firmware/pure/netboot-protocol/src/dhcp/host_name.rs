use appliance_types::HostLabel;

/// The name that a client gave itself in option 12: up to the first dot. `None` when that is none that a machine can have.
pub(super) fn host_name(option: &[u8]) -> Option<HostLabel> {
    let text = std::str::from_utf8(option).ok()?.trim_end_matches('\0');
    text.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_calls_itself_is_a_label_or_nothing() {
        assert_eq!(host_name(b"Printer.lan\0").unwrap().as_str(), "printer");
        for bad in [&b""[..], b"-x", b"a b", b".lan", b"7", &[0xff], &[b'a'; 64]] {
            assert_eq!(host_name(bad), None, "{bad:?}");
        }
    }
}
