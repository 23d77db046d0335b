//! The `Range` header (RFC 9110 section 14).

/// What part of a file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it: no range, or one that we need not understand.
    Whole,
    /// From this byte, this many.
    Bytes {
        /// First byte.
        from: u64,
        /// How many, at least one.
        length: u64,
    },
    /// Nothing of the file is in the range.
    Outside,
}

/// Reads the header's value. Several ranges at once are answered with the whole file, as RFC 9110 allows: boot loaders
/// never ask for them.
pub(super) fn part(header: Option<&str>, size: u64) -> Part {
    let Some((first, last)) = header.and_then(bytes) else { return Part::Whole };
    match (first, last) {
        (Some(first), last) => {
            let last = last.unwrap_or(u64::MAX).min(size.saturating_sub(1));
            match first < size {
                true => Part::Bytes { from: first, length: last - first + 1 },
                false => Part::Outside,
            }
        }
        (None, Some(suffix)) => match suffix.min(size) {
            0 => Part::Outside,
            length => Part::Bytes { from: size - length, length },
        },
        (None, None) => Part::Whole,
    }
}

/// First and last byte of `bytes=1-2`; `None` for what is no single valid range.
fn bytes(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = header.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || range.contains(',') {
        return None;
    }
    let number = |text: &str| -> Option<Option<u64>> {
        let text = text.trim();
        if text.is_empty() {
            return Some(None);
        }
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?.map(Some)
    };
    match (number(first)?, number(last)?) {
        (Some(first), Some(last)) if last < first => None,
        pair => Some(pair),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_what_the_rfc_says() {
        let bytes = |from, length| Part::Bytes { from, length };
        for (header, expected) in [
            ("bytes=0-99", bytes(0, 100)),
            ("bytes=0-0", bytes(0, 1)),
            ("Bytes = 10-", bytes(10, 990)),
            ("bytes=990-5000", bytes(990, 10)),
            ("bytes=-10", bytes(990, 10)),
            ("bytes=-5000", bytes(0, 1000)),
            ("bytes=1000-", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=5-1", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=", Part::Whole),
            ("bytes=-", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("bytes=99999999999999999999-", Part::Whole),
        ] {
            assert_eq!(part(Some(header), 1000), expected, "{header}");
        }
        assert_eq!(part(None, 1000), Part::Whole);
        assert_eq!(part(Some("bytes=0-"), 0), Part::Outside);
    }

    proptest! {
        #[test]
        fn a_part_is_always_inside_of_the_file(header in "bytes=[0-9]{0,20}-[0-9]{0,20}", size in any::<u64>()) {
            if let Part::Bytes { from, length } = part(Some(&header), size) {
                prop_assert!(length > 0 && from.checked_add(length).is_some_and(|end| end <= size));
            }
        }
    }
}
