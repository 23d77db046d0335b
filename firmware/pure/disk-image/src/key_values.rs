use std::collections::BTreeMap;

/// `key=value` entries, each ended by a NUL, the whole list ended by one more: the text form that U-Boot's environment
/// and the black-box records share.
///
/// Sorted by key, so that the same entries are always the same bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeyValues(BTreeMap<String, String>);

/// Where and why a list of entries could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Bytes from the start of the list to the start of the entry.
    pub(crate) offset: usize,
    pub(crate) problem: &'static str,
}

impl KeyValues {
    /// Reads entries up to the empty one; what follows it is padding and is not looked at.
    ///
    /// A key that occurs twice has its last value, as in U-Boot's `env import`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<KeyValues, Malformed> {
        let mut entries = BTreeMap::new();
        let mut offset = 0;
        loop {
            let rest = &bytes[offset..];
            let malformed = |problem| Malformed { offset, problem };
            let end = rest.iter().position(|&b| b == 0).ok_or(malformed("the list has no end"))?;
            if end == 0 {
                return Ok(KeyValues(entries));
            }
            let entry = str::from_utf8(&rest[..end]).map_err(|_| malformed("the entry is not UTF-8 text"))?;
            let (key, value) = entry.split_once('=').ok_or(malformed("the entry has no '='"))?;
            if key.is_empty() {
                return Err(malformed("the entry has no name before its '='"));
            }
            entries.insert(key.to_owned(), value.to_owned());
            offset += end + 1;
            if offset == bytes.len() {
                return Err(Malformed { offset, problem: "the list has no end" });
            }
        }
    }

    /// How many bytes [`Self::encode_into`] writes, the final NUL included.
    pub(crate) fn encoded_len(&self) -> usize {
        self.0.iter().map(|(key, value)| key.len() + 1 + value.len() + 1).sum::<usize>() + 1
    }

    /// Writes the entries to the start of `bytes` and zeros to the rest of it.
    ///
    /// # Panics
    /// When `bytes` is shorter than [`Self::encoded_len`]; callers check that where entries are added.
    pub(crate) fn encode_into(&self, bytes: &mut [u8]) {
        bytes.fill(0);
        let mut offset = 0;
        for (key, value) in &self.0 {
            for part in [key.as_bytes(), b"=", value.as_bytes()] {
                bytes[offset..offset + part.len()].copy_from_slice(part);
                offset += part.len();
            }
            offset += 1;
        }
        assert!(offset < bytes.len(), "the caller made room for {} bytes", self.encoded_len());
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// All entries, sorted by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_and_why_a_list_is_unreadable() {
        let rows: [(&[u8], usize, &str); 7] = [
            (b"", 0, "no end"),
            (b"A=1", 0, "no end"),
            (b"A=1\0", 4, "no end"),
            (b"A=1\0B=2\0", 8, "no end"),
            (b"A=1\0B\0\0", 4, "no '='"),
            (b"A=1\0=2\0\0", 4, "no name"),
            (b"A=\xff\0\0", 0, "not UTF-8"),
        ];
        for (bytes, offset, problem) in rows {
            let malformed = KeyValues::parse(bytes).unwrap_err();
            assert_eq!(malformed.offset, offset, "{bytes:?}");
            assert!(malformed.problem.contains(problem), "{bytes:?}: {}", malformed.problem);
        }
    }

    #[test]
    fn the_last_value_of_a_key_wins_and_padding_is_ignored() {
        let entries = KeyValues::parse(b"A=1\0B=x=y\0A=2\0\0junk").unwrap();
        assert_eq!(entries.iter().collect::<Vec<_>>(), [("A", "2"), ("B", "x=y")]);
    }

    #[test]
    fn fits_exactly_the_room_it_says_it_needs() {
        let entries = KeyValues::parse(b"B=2\0A=\0\0").unwrap();
        let mut bytes = vec![0xff; entries.encoded_len()];
        entries.encode_into(&mut bytes);
        assert_eq!(bytes, b"A=\0B=2\0\0");
        assert_eq!(KeyValues::parse(&bytes).unwrap(), entries);
    }
}
