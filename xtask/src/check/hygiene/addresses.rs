//! Addresses that hold on one machine only: package servers and absolute paths of a developer's disk. Both work for
//! whoever wrote them, and fail or leak for everybody else.

use super::super::problem::Problem;

/// Domains of package servers. Which mirror a machine uses is that machine's affair: it stands in its own configuration
/// or on the command line.
const PACKAGE_DOMAINS: &[&str] =
    &["debian.org", "ubuntu.com", "crates.io", "pypi.org", "pythonhosted.org", "npmjs.com", "npmjs.org"];

/// Hosts of these domains that serve pages for people, and may be linked to.
const PAGES: &[&str] = &["bugs", "lists", "manpages", "security-tracker", "wiki", "www"];

/// Folders in which developers and build machines keep checkouts and temporary files. `/tmp` by itself is a part of any
/// system; a fixed name below it could be taken by someone else first.
const MACHINE_FOLDERS: &[&str] = &["/builds/", "/home/", "/tmp/", "/Users/", "/work/", "/workspace/"];

/// Where a path below one of those folders is right: the place, the folder, and the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("xtask/src/", "/tmp/", "scripts of the build run in a namespace whose /tmp is a tmpfs of their own"),
    ("firmware/pure/artefact-render/tests/golden/", "/home/", "the homes of the appliance's own users"),
    ("firmware/daemons/apply-config/tests/", "/home/", "the homes of the appliance's own users"),
];

/// Files that cargo writes.
const GENERATED: &[&str] = &["Cargo.lock"];

/// Looks for both in every line of `text`.
pub(crate) fn check(path: &str, text: &str) -> Vec<Problem> {
    if GENERATED.contains(&path) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = || format!("{path}:{}", index + 1);
        problems.extend(package_hosts(line).map(|host| {
            Problem::new(
                "mirror",
                place(),
                format!("it names the package server {host}"),
                "leave the server to the machine's own configuration; in tests and texts use mirror.example",
            )
        }));
        problems.extend(machine_paths(path, line).map(|found| {
            Problem::new(
                "machine path",
                place(),
                format!("it names {found}, a place on one machine"),
                "use a path relative to the checkout, a parameter, or a temporary folder made by `tempfile`",
            )
        }));
    }
    problems
}

/// Package servers named in `line`: hosts of a URL in one of the domains, and hosts below them anywhere. The bare
/// domain name in a sentence is the name of a project, not of a server.
fn package_hosts(line: &str) -> impl Iterator<Item = &str> {
    let is_part_of_host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let words = line.split(move |c| !is_part_of_host(c)).map(|word| word.trim_matches('.'));
    words.filter(move |word| {
        // `word` is a part of `line`, so its address in memory is its position there.
        let in_url = line[..word.as_ptr() as usize - line.as_ptr() as usize].ends_with("://");
        PACKAGE_DOMAINS.iter().any(|domain| match word.strip_suffix(domain) {
            Some("") => in_url,
            Some(below) => below.strip_suffix('.').is_some_and(|host| !PAGES.contains(&host)),
            None => false,
        })
    })
}

/// Absolute paths below one of the folders: one that starts with `/home/`, but not `/srv/home/x`.
fn machine_paths<'l>(file: &str, line: &'l str) -> impl Iterator<Item = &'l str> {
    let right_here =
        |folder: &str| EXCEPTIONS.iter().any(|(place, it, _)| file.starts_with(place) && *it == folder);
    let folders: Vec<&str> = MACHINE_FOLDERS.iter().copied().filter(|folder| !right_here(folder)).collect();
    let is_part_of_path = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    line.split(move |c| !is_part_of_path(c)).filter(move |word| {
        folders.iter().any(|folder| word.strip_prefix(folder).is_some_and(|rest| !rest.is_empty()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many problems a line has. The line is given in two halves, so that this file has none itself.
    fn count(first: &str, second: &str) -> usize {
        count_in("docs/page.md", first, second)
    }

    fn count_in(path: &str, first: &str, second: &str) -> usize {
        check(path, &format!("{first}{second}\n")).len()
    }

    #[test]
    fn package_servers_are_found_as_urls_and_as_names() {
        assert_eq!(count("deb http://ftp.", "debian.org/debian trixie main"), 1);
        assert_eq!(count("index = \"sparse+https://index.", "crates.io/\""), 1);
        assert_eq!(count("see https://", "pypi.org/project/x"), 1);
        assert_eq!(count("Suites of security.", "debian.org."), 1);
        assert_eq!(count("archive.", "ubuntu.com and files.",), 1);
    }

    #[test]
    fn pages_and_names_of_projects_are_not_servers() {
        assert_eq!(count("https://bugs.", "debian.org/1012345"), 0);
        assert_eq!(count("A crate of crates.io.", ""), 0);
        assert_eq!(count("https://github.com/rust-lang/crates.io-index", ""), 0);
        assert_eq!(count("https://notdebian", ".org/"), 0);
        assert_eq!(count("http://mirror.example/debian", ""), 0);
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        assert_eq!(count("cd /home", "/ada/slipway"), 1);
        assert_eq!(count("write `/tmp", "/slipway.log`, then"), 1);
        assert_eq!(count("--target-dir=/builds", "/1"), 1);
    }

    #[test]
    fn folders_of_the_box_are_not_paths_of_one_machine() {
        assert_eq!(count("tmpfs /tmp tmpfs nosuid", ""), 0);
        assert_eq!(count("workdir=/run/overlay-root/work,upperdir=…", ""), 0);
        assert_eq!(count("/var/tmp/x and ./home/x", ""), 0);
        assert_eq!(count("matches /tmp/ and below", ""), 0);
    }

    #[test]
    fn an_exception_is_for_one_folder_in_one_place() {
        assert_eq!(count_in("xtask/src/image/root.rs", "tar --file /tmp", "/root.tar"), 0);
        assert_eq!(count_in("xtask/src/image/root.rs", "tar --file /home", "/root.tar"), 1);
        assert_eq!(count_in("tests/src/vm.rs", "tar --file /tmp", "/root.tar"), 1);
    }

    #[test]
    fn the_place_is_the_line() {
        let text = format!("one\ntwo\nhttps://static.{}/x\n", "crates.io");
        let found: Vec<String> = check("a.md", &text).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(
            found[0].starts_with("check: mirror: a.md:3: it names the package server static."),
            "{}",
            found[0]
        );
    }
}
