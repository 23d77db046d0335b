use super::Gpt;

/// Which copy of a partition table is to be written anew, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mend {
    /// The copy that is damaged.
    pub copy: TableCopy,
    /// Its first sector.
    pub lba: u64,
    /// What belongs there: the other copy's content.
    pub bytes: Vec<u8>,
}

/// One of the two copies of a partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableCopy {
    /// The one at the start of the disk.
    First,
    /// The one at its end.
    Second,
}

/// What a disk of `disk_sectors` sectors that starts with `head` and ends with `tail` needs to have two good copies of its
/// partition table.
///
/// Programs write one copy after the other, so a power cut can tear one. Which one does not matter until the other is torn
/// too, by the next cut or the first bad sector: then nothing finds a partition any more.
///
/// | First copy | Second copy | Mended |
/// |---|---|---|
/// | whole | whole | nothing, also when they differ: the first counts, and who changed one of them begins again |
/// | whole, made for this size | not whole | the second |
/// | whole, made for another size | any | nothing: the second copy is not at the end of the disk until `data` is made |
/// | not whole | whole | the first |
/// | not whole | not whole | nothing can be |
pub fn mend(head: &[u8], tail: &[u8], disk_sectors: u64) -> Option<Mend> {
    match (Gpt::parse_head(head), Gpt::parse_tail(tail, disk_sectors)) {
        (Ok(first), Err(_)) if first.disk_sectors() == disk_sectors => {
            Some(Mend { copy: TableCopy::Second, lba: first.tail_lba(), bytes: first.tail() })
        }
        (Err(_), Ok(second)) => Some(Mend { copy: TableCopy::First, lba: 0, bytes: second.head() }),
        (Ok(_), _) | (Err(_), Err(_)) => None,
    }
}
