//! What differs between two texts, line by line, as `diff -u` shows it.

/// Lines that are shown around a change.
const CONTEXT: usize = 3;

/// Pairs of lines that are compared at most. Two documents that have less in common than this allows to find are shown as one that
/// went and one that came.
const EFFORT: usize = 4_000_000;

/// A line, and on which side it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// Hunks with three lines of context; empty when the texts are the same.
pub(crate) fn unified(before: &str, after: &str) -> String {
    let lines = compare(&before.lines().collect::<Vec<_>>(), &after.lines().collect::<Vec<_>>());
    let is_near = |at: usize| {
        let (from, to) = (at.saturating_sub(CONTEXT), (at + CONTEXT + 1).min(lines.len()));
        lines[from..to].iter().any(|line| !matches!(line, Line::Same(_)))
    };
    let (mut text, mut old, mut new, mut inside) = (String::new(), 1, 1, false);
    for (at, line) in lines.iter().enumerate() {
        let near = is_near(at);
        if near && !inside {
            text.push_str(&format!("@@ -{old} +{new} @@\n"));
        }
        inside = near;
        let (sign, content) = match line {
            Line::Same(content) => (' ', content),
            Line::Gone(content) => ('-', content),
            Line::New(content) => ('+', content),
        };
        if near {
            text.push_str(&format!("{sign}{content}\n"));
        }
        old += usize::from(!matches!(line, Line::New(_)));
        new += usize::from(!matches!(line, Line::Gone(_)));
    }
    text
}

fn compare<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<Line<'a>> {
    let start = before.iter().zip(after).take_while(|(old, new)| old == new).count();
    let (old, new) = (&before[start..], &after[start..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, tail) = old.split_at(old.len() - end);
    let new = &new[..new.len() - end];
    let same = |lines: &[&'a str]| lines.iter().map(|line| Line::Same(line)).collect::<Vec<_>>();
    [same(&before[..start]), middle(old, new), same(tail)].concat()
}

/// By the longest common subsequence.
fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    if old.len().saturating_mul(new.len()) > EFFORT {
        let gone = old.iter().map(|line| Line::Gone(line));
        return gone.chain(new.iter().map(|line| Line::New(line))).collect();
    }
    let width = new.len() + 1;
    // How many lines the rests from (i, j) on have in common.
    let mut common = vec![0u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(Line::Same(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            lines.push(Line::Gone(old[i]));
            i += 1;
        } else {
            lines.push(Line::New(new[j]));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunks_are_those_of_diff() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n";
        assert_eq!(unified(before, before), "");
        let after = before.replace("b\n", "B\nBB\n").replace("k\n", "");
        let expected = "@@ -1 +1 @@\n a\n-b\n+B\n+BB\n c\n d\n e\n@@ -8 +9 @@\n h\n i\n j\n-k\n";
        assert_eq!(unified(before, &after), expected);
        assert_eq!(unified("", "x\n"), "@@ -1 +1 @@\n+x\n");
        assert_eq!(unified("x\n", ""), "@@ -1 +1 @@\n-x\n");
    }

    #[test]
    fn a_line_that_moved_goes_and_comes() {
        assert_eq!(unified("a\nb\n", "b\na\n"), "@@ -1 +1 @@\n-a\n b\n+a\n");
    }

    #[test]
    fn texts_with_nothing_in_common_are_compared_in_bounded_time() {
        let text = |word: &str| (0..30_000).map(|number| format!("{word}{number}\n")).collect::<String>();
        let diff = unified(&text("a"), &text("b"));
        assert_eq!(diff.lines().count(), 60_001);
    }
}
