//! SPDX licence expressions, as far as crates use them: `MIT OR Apache-2.0`, `(A OR B) AND C`, `A WITH exception`.
//!
//! Grammar and precedence: SPDX specification 2.3, annex D (WITH binds closer than AND, AND closer than OR). `A/B`,
//! which cargo accepted before it adopted SPDX, means `A OR B`.

/// A licence expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Licence {
    /// A licence, with its exception if any: `Apache-2.0 WITH LLVM-exception`.
    One(String),
    /// Both bind.
    Both(Box<Licence>, Box<Licence>),
    /// The user chooses.
    Either(Box<Licence>, Box<Licence>),
}

impl Licence {
    /// Reads an expression.
    ///
    /// # Errors
    /// When it is not one; the text says what was expected where.
    pub(crate) fn parse(text: &str) -> Result<Licence, String> {
        let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let mut words = Words { words: spaced.split_whitespace().collect(), next: 0 };
        let licence = words.either()?;
        match words.peek() {
            None => Ok(licence),
            Some(word) => Err(format!("`{word}` stands where OR, AND or the end was expected")),
        }
    }

    /// Whether someone who accepts only the licences in `allowed` may use what is licensed so. `X+` (X or any later
    /// version) is met by X itself.
    pub(crate) fn met_by(&self, allowed: &[String]) -> bool {
        match self {
            Licence::One(id) => allowed.iter().any(|entry| entry == id.strip_suffix('+').unwrap_or(id)),
            Licence::Both(a, b) => a.met_by(allowed) && b.met_by(allowed),
            Licence::Either(a, b) => a.met_by(allowed) || b.met_by(allowed),
        }
    }
}

struct Words<'t> {
    words: Vec<&'t str>,
    next: usize,
}

impl<'t> Words<'t> {
    fn peek(&self) -> Option<&'t str> {
        self.words.get(self.next).copied()
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.peek() == Some(wanted);
        self.next += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<Licence, String> {
        let mut left = self.both()?;
        while self.take("OR") {
            left = Licence::Either(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Licence, String> {
        let mut left = self.one()?;
        while self.take("AND") {
            left = Licence::Both(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Licence, String> {
        if self.take("(") {
            let inner = self.either()?;
            return if self.take(")") { Ok(inner) } else { Err("a `(` is not closed".to_owned()) };
        }
        let id = self.identifier()?;
        if self.take("WITH") {
            let exception = self.identifier()?;
            return Ok(Licence::One(format!("{id} WITH {exception}")));
        }
        Ok(Licence::One(id.to_owned()))
    }

    fn identifier(&mut self) -> Result<&'t str, String> {
        match self.peek() {
            None => Err("it ends where a licence was expected".to_owned()),
            Some(word @ ("OR" | "AND" | "WITH" | "(" | ")")) => {
                Err(format!("`{word}` stands where a licence was expected"))
            }
            Some(word) => {
                self.next += 1;
                Ok(word)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, expected: bool) {
        let allowed = ["MIT", "Apache-2.0", "ISC", "Unicode-3.0"].map(str::to_owned);
        let licence = Licence::parse(expression).unwrap();
        assert_eq!(licence.met_by(&allowed), expected, "{expression}");
    }

    #[test]
    fn a_choice_needs_one_allowed_licence_and_a_sum_needs_all() {
        check("MIT", true);
        check("MIT OR GPL-3.0", true);
        check("GPL-3.0 OR MIT", true);
        check("GPL-3.0 AND MIT", false);
        check("Apache-2.0 AND ISC", true);
        check("GPL-2.0-only", false);
        check("MIT/Apache-2.0", true);
        check("LGPL-2.1/MPL-2.0", false);
    }

    #[test]
    fn and_binds_closer_than_or_and_brackets_closer_than_both() {
        check("MIT OR GPL-3.0 AND MPL-2.0", true);
        check("(MIT OR GPL-3.0) AND MPL-2.0", false);
        check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
        check("MPL-2.0 AND MIT OR ISC", true);
        check("((MIT))", true);
    }

    #[test]
    fn an_exception_makes_another_licence_and_a_plus_does_not() {
        check("Apache-2.0 WITH LLVM-exception", false);
        check("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true);
        check("Apache-2.0+", true);
        check("GPL-2.0+", false);
    }

    #[test]
    fn what_is_no_expression_is_said_to_be_none() {
        for (text, expected) in [
            ("", "it ends where a licence was expected"),
            ("MIT OR", "it ends where a licence was expected"),
            ("MIT Apache-2.0", "`Apache-2.0` stands where OR, AND or the end was expected"),
            ("MIT or Apache-2.0", "`or` stands where OR, AND or the end was expected"),
            ("(MIT", "a `(` is not closed"),
            ("AND MIT", "`AND` stands where a licence was expected"),
            ("MIT)", "`)` stands where OR, AND or the end was expected"),
        ] {
            assert_eq!(Licence::parse(text).unwrap_err(), expected, "{text}");
        }
    }
}
