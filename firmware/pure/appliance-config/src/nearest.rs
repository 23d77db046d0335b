//! "Did you mean …": the nearest of the words that could have been meant.

/// The longest word compared. Longer ones are no slip of a finger.
const MAX_CHARS: usize = 64;

/// How many words are compared. A document can declare more names than a person would look through.
const MAX_WORDS: usize = 1000;

/// The word nearest to `text`, if it is near enough to have been meant: a third of the letters may be other ones.
pub(crate) fn nearest<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = folded(text);
    if text.len() > MAX_CHARS {
        return None;
    }
    let near = |word: &&'a str| {
        let folded = folded(word);
        let allowed = (text.len().max(folded.len()) / 3).max(1);
        // Their lengths alone put most words too far away.
        (folded.len() <= MAX_CHARS && text.len().abs_diff(folded.len()) <= allowed)
            .then(|| distance(&text, &folded))
            .filter(|distance| *distance <= allowed)
    };
    words
        .into_iter()
        .take(MAX_WORDS)
        .filter_map(|word| Some((near(&word)?, word)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Case and the kind of dash say nothing about what was meant.
fn folded(text: &str) -> Vec<char> {
    text.chars().take(MAX_CHARS + 1).map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// How many letters to add, drop, change or swap with their neighbour (optimal string alignment).
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let changed = last[j] + usize::from(a != b);
            let mut best = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_nothing_else() {
        let words = ["isAdmin", "ssh_key", "ssh_keys", "shell", "timeout_seconds"];
        for (text, expected) in [
            ("is_admin", Some("isAdmin")),
            ("isadmin", Some("isAdmin")),
            ("ssh-key", Some("ssh_key")),
            ("sshkeys", Some("ssh_keys")),
            ("shlel", Some("shell")),
            ("timeout_secnods", Some("timeout_seconds")),
            ("timeout", None),
            ("password", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, words), expected, "{text:?}");
        }
        assert_eq!(nearest(&"a".repeat(100_000), words), None);
    }

    #[test]
    fn swapped_neighbours_are_one_slip() {
        let distance = |a: &str, b: &str| distance(&folded(a), &folded(b));
        assert_eq!(distance("wbe", "web"), 1);
        assert_eq!(distance("", "web"), 3);
        assert_eq!(distance("web", "web"), 0);
    }
}
