/// Bytes in the encoding of RFC 4251 section 5, read from the front.
pub(super) struct Wire<'a>(pub(super) &'a [u8]);

impl<'a> Wire<'a> {
    /// A positive `mpint`, without the zero byte that tells it from a negative one.
    pub(super) fn positive(&mut self) -> Option<&'a [u8]> {
        let bytes = self.string()?;
        let start = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len());
        let positive = bytes.first().is_some_and(|first| first & 0x80 == 0);
        positive.then(|| &bytes[start..]).filter(|number| !number.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A `string`: bytes with their length before them.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        self.take(usize::try_from(u32::from_be_bytes(*len)).ok()?)
    }

    /// A `string` of text.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.string()?).ok()
    }

    /// So many bytes.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positive_and_whole() {
        let rows: [(&[u8], Option<&[u8]>); 7] = [
            (&[0, 0, 0, 1, 5], Some(&[5])),
            (&[0, 0, 0, 2, 0, 0x80], Some(&[0x80])),
            (&[0, 0, 0, 1, 0x80], None),
            (&[0, 0, 0, 0], None),
            (&[0, 0, 0, 1, 0], None),
            (&[0, 0, 0, 2, 1], None),
            (&[0xff, 0xff, 0xff, 0xff, 1], None),
        ];
        for (bytes, expected) in rows {
            assert_eq!(Wire(bytes).positive(), expected, "{bytes:?}");
        }
    }
}
