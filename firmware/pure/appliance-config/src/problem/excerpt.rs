use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::Problem;
use crate::Code;

/// Where an excerpt is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// In a file or a pipe.
    Plain,
    /// At a terminal that knows ANSI's colours.
    Coloured,
}

/// How much of a line is shown behind the place, in characters.
const AFTER: usize = 100;

/// Behind this column no line is shown: nobody reads it there, and looking for the place would take a while.
const FAR: usize = 10_000;

impl Problem {
    /// The problem, its line of `source` with a mark below its place, and the hint. `source` is the file that
    /// [`Problem::file`] names. Of what is below `secrets` only the place is told: it ends up in logs and answers. A line that cannot be
    /// read at all is shown as it is.
    pub fn excerpt(&self, source: &str, look: Look) -> String {
        let level = if self.code == Code::Warning { Level::WARNING } else { Level::ERROR };
        let title = match self.path.as_str() {
            "" => self.message.clone(),
            path => format!("{path}: {}", self.message),
        };
        let place_only = self.column > FAR || self.path.split('.').next() == Some("secrets");
        let title =
            if place_only { format!("{}:{}:{}: {title}", self.file, self.line, self.column) } else { title };
        let title = level.primary_title(title).id(self.code.as_str());
        let (line, mark) = self.line_of(source);
        let snippet = Snippet::source(line)
            .line_start(self.line)
            .path(self.file.as_str())
            .annotation(AnnotationKind::Primary.span(mark));
        let problem = if place_only { Group::with_title(title) } else { title.element(snippet) };
        let hint = self.hint.as_deref().map(|hint| Group::with_title(Level::HELP.secondary_title(hint)));
        let groups: Vec<Group<'_>> = std::iter::once(problem).chain(hint).collect();
        let renderer = match look {
            Look::Plain => Renderer::plain(),
            Look::Coloured => Renderer::styled(),
        };
        renderer.render(&groups)
    }

    /// As much of the line as can be shown, and the bytes of it that are marked: the word that begins at the place.
    fn line_of(&self, source: &str) -> (String, std::ops::Range<usize>) {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let line = source.split('\n').nth(self.line.saturating_sub(1)).unwrap_or_default();
        let column = self.column.saturating_sub(1);
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        // A line may be as long as the document. What is before the place is cut off by the renderer, which counts it.
        let mut shown: String = line.chars().take(column + AFTER).map(plain).collect();
        shown.truncate(shown.trim_end().len());
        // The end of a line is a place, too.
        shown.extend(std::iter::repeat_n(' ', column.saturating_sub(shown.chars().count())));
        let from = shown.char_indices().nth(column).map_or(shown.len(), |(at, _)| at);
        let to = from + word(&shown[from..]);
        (shown, from..to)
    }
}

/// How many bytes the key or value has that `text` begins with.
fn word(text: &str) -> usize {
    let Some(first) = text.chars().next() else { return 0 };
    let bare = |c: char| c.is_alphanumeric() || "_-+.:".contains(c);
    let end = match first {
        '"' | '\'' => text[1..].find(first).map(|end| end + 2),
        '[' => text.find(']').map(|end| text[end..].find(|c| c != ']').map_or(text.len(), |more| end + more)),
        first if bare(first) => text.find(|c| !bare(c)),
        first => Some(first.len_utf8()),
    };
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: usize, column: usize) -> Problem {
        let (file, path, message) = ("config.toml".to_owned(), "a.b".to_owned(), "no".to_owned());
        Problem { code: Code::BadValue, file, path, line, column, message, hint: Some("yes".to_owned()) }
    }

    #[test]
    fn an_excerpt_has_all_that_is_known() {
        let excerpt = problem(2, 5).excerpt("version = 1\nb = 'wrong' # why\n", Look::Plain);
        let expected = "error[bad-value]: a.b: no\n \
                        --> config.toml:2:5\n  \
                          |\n\
                        2 | b = 'wrong' # why\n  \
                          |     ^^^^^^^\n  \
                          |\n\
                        help: yes";
        assert_eq!(excerpt, expected);
        let coloured = problem(2, 5).excerpt("version = 1\nb = 'wrong' # why\n", Look::Coloured);
        assert!(coloured.contains("\u{1b}[") && coloured.contains("config.toml:2:5"), "{coloured}");
        let warning = Problem { code: Code::Warning, hint: None, ..problem(1, 1) }.excerpt("a", Look::Plain);
        assert!(warning.starts_with("warning[warning]: a.b: no\n"), "{warning}");
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Problem { path: "secrets.registry.password".to_owned(), ..problem(1, 12) };
        let excerpt = secret.excerpt("password = \"hunter\\u002\"", Look::Plain);
        assert!(excerpt.contains("config.toml:1:12") && !excerpt.contains("hunter"), "{excerpt}");
    }

    #[test]
    fn the_mark_is_below_the_word() {
        for (source, (line, column), shown, mark) in [
            ("a = 1\n\tö = 'x'\r\n", (2, 6), "2 |  ö = 'x'", "  |      ^^^"),
            ("\u{feff}usres = 1", (1, 1), "1 | usres = 1", "  | ^^^^^"),
            ("[containers.x]", (1, 1), "1 | [containers.x]", "  | ^^^^^^^^^^^^^^"),
            ("[[a.b]] # c", (1, 1), "1 | [[a.b]] # c", "  | ^^^^^^^"),
            ("a = 10.0.0.1", (1, 5), "1 | a = 10.0.0.1", "  |     ^^^^^^^^"),
            // Two columns for a letter of these.
            ("a = '東京' x", (1, 10), "1 | a = '東京' x", "  |            ^"),
            // The end of a document is a place too, and so is what is not there.
            ("a = ", (1, 5), "1 | a = ", "  |     ^"),
        ] {
            let excerpt = problem(line, column).excerpt(source, Look::Plain);
            assert!(excerpt.contains(&format!("{shown}\n{mark}\n")), "{source:?}:\n{excerpt}");
        }
        let nowhere = problem(9, 3).excerpt("a", Look::Plain);
        assert!(nowhere.contains("config.toml:9:3"), "{nowhere}");
        let long = problem(1, 500).excerpt(&"x".repeat(1000), Look::Plain);
        assert!(long.lines().all(|line| line.len() < 160) && long.contains(":1:500"), "{long}");
        let far = problem(1, FAR + 2).excerpt(&"x".repeat(2 * FAR), Look::Plain);
        assert_eq!(far, format!("error[bad-value]: config.toml:1:{}: a.b: no\n |\nhelp: yes", FAR + 2));
    }
}
