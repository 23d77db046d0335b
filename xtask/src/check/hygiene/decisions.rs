//! `docs/decisions/`: pages `NNNN-name.md`, numbered from 0001 without gaps, each listed in the folder's README and
//! each saying what was rejected.

use super::super::problem::Problem;

const WHAT: &str = "decisions";
const FOLDER: &str = "docs/decisions/";
const INDEX: &str = "docs/decisions/README.md";

/// Checks the pages among `files` (path, text).
pub(crate) fn check(files: &[(String, String)]) -> Vec<Problem> {
    let index = files.iter().find(|(path, _)| path == INDEX).map_or("", |(_, text)| text);
    let mut pages: Vec<(&str, &str)> =
        files.iter().filter_map(|(path, text)| Some((path.strip_prefix(FOLDER)?, text.as_str()))).collect();
    pages.retain(|(name, _)| *name != "README.md");
    pages.sort_unstable();

    let mut problems = Vec::new();
    let mut expected = 1;
    for (name, text) in pages {
        let place = format!("{FOLDER}{name}");
        let Some(number) = number(name) else {
            let remedy = format!("rename it, the next free number being {expected:04}");
            problems.push(Problem::new(WHAT, place, "the name is not of the form NNNN-name.md", remedy));
            continue;
        };
        if number != expected {
            let why = format!("its number is {number:04} where {expected:04} comes next");
            problems.push(Problem::new(WHAT, &place, why, "number the pages without gaps, each number once"));
        }
        expected = number + 1;
        if !index.contains(&format!("({name})")) {
            let remedy = format!("add a line that links to ({name})");
            problems.push(Problem::new(WHAT, INDEX, format!("{name} is not listed"), remedy));
        }
        if !text.to_lowercase().contains("rejected") {
            let remedy = "add what else was considered, and why not";
            problems.push(Problem::new(WHAT, place, "the page does not say what was rejected", remedy));
        }
    }
    problems.extend(broken_links(index, files));
    problems
}

/// The number of `NNNN-name.md`.
fn number(name: &str) -> Option<u32> {
    let (number, rest) = name.split_once('-')?;
    let well_formed =
        number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()) && rest.ends_with(".md");
    if well_formed { number.parse().ok() } else { None }
}

/// Numbered pages that the index links to and that are not there.
fn broken_links(index: &str, files: &[(String, String)]) -> Vec<Problem> {
    let targets = index.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let missing = targets.filter(|target| {
        number(target).is_some() && !files.iter().any(|(path, _)| path.strip_prefix(FOLDER) == Some(*target))
    });
    let report = missing.map(|target| {
        Problem::new(
            WHAT,
            INDEX,
            format!("it links to {target}, which is not there"),
            "correct or remove the link",
        )
    });
    report.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(index: &str, pages: &[(&str, &str)]) -> Vec<String> {
        let page = |(name, text): &(&str, &str)| (format!("{FOLDER}{name}"), (*text).to_owned());
        let mut files: Vec<(String, String)> = pages.iter().map(page).collect();
        files.push((INDEX.to_owned(), index.to_owned()));
        check(&files).iter().map(ToString::to_string).collect()
    }

    const BODY: &str = "# Title\n## Rejected\nAll else.\n";

    #[test]
    fn numbered_listed_pages_are_fine() {
        let index = "- [One](0001-one.md)\n- [Two](0002-two.md), see [the style](../style.md)\n";
        assert_eq!(problems(index, &[("0001-one.md", BODY), ("0002-two.md", BODY)]), [""; 0]);
        assert_eq!(problems("none yet", &[]), [""; 0]);
    }

    #[test]
    fn gaps_and_doubles_are_found() {
        let index = "(0001-one.md) (0003-three.md) (0003-tree.md) (0004-four.md)";
        let pages = ["0001-one.md", "0003-three.md", "0003-tree.md", "0004-four.md"].map(|name| (name, BODY));
        let found = problems(index, &pages);
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].contains("0003-three.md: its number is 0003 where 0002 comes next"), "{}", found[0]);
        assert!(found[1].contains("0003-tree.md: its number is 0003 where 0004 comes next"), "{}", found[1]);
    }

    #[test]
    fn an_ill_named_an_unlisted_and_a_one_sided_page_are_found() {
        let found = problems("", &[("0001-one.md", "# Title\n"), ("two.md", BODY)]);
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(
            found[0].contains("0001-one.md is not listed — add a line that links to (0001-one.md)"),
            "{}",
            found[0]
        );
        assert!(found[1].contains("the page does not say what was rejected"), "{}", found[1]);
        assert!(found[2].contains("rename it, the next free number being 0002"), "{}", found[2]);
    }

    #[test]
    fn a_link_to_a_page_that_is_gone_is_found() {
        let found = problems("- [One](0001-one.md)\n", &[]);
        assert_eq!(
            found,
            ["check: decisions: docs/decisions/README.md: it links to 0001-one.md, which is not there — \
                            correct or remove the link"]
        );
    }
}
