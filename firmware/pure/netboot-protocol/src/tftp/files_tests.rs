use super::*;
use crate::tftp::file_name::BadName;

fn name(text: &str) -> FileName {
    FileName::parse(text.as_bytes()).unwrap()
}

fn set(files: &[(&str, u64)], pi_trees: &[&str]) -> (BootFiles, Vec<PublishError>) {
    let pi_trees: Vec<String> = pi_trees.iter().map(|tree| (*tree).to_owned()).collect();
    BootFiles::publish(files.iter().map(|(file, size)| (name(file), *size)), &pi_trees)
}

fn tree(tree: &str, prefixes: &[&str]) -> Viewer {
    Viewer::Tree {
        tree: tree.to_owned(),
        prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
    }
}

#[test]
fn r4_4_51_names_are_read_as_roms_write_them_and_never_leave_the_set() {
    for (asked, expected) in [
        (&b"pxelinux.0"[..], Ok("pxelinux.0")),
        (b"/boot//a.efi", Ok("boot/a.efi")),
        (b"\\Boot\\x64\\wdsnbp.com", Ok("Boot/x64/wdsnbp.com")),
        (b"C:\\boot\\a", Ok("boot/a")),
        (b"./a/./b", Ok("a/b")),
        (b"grub.efi\xff", Ok("grub.efi")),
        (b"../etc/passwd", Err(BadName::Parent)),
        (b"a/../../b", Err(BadName::Parent)),
        (b"a\\..\\b", Err(BadName::Parent)),
        (b"a\nb", Err(BadName::NotText)),
        (b"a\xc3\x28", Err(BadName::NotText)),
        (b"///", Err(BadName::Empty)),
        (b"", Err(BadName::Empty)),
    ] {
        let read = FileName::parse(asked);
        assert_eq!(read.as_ref().map(FileName::as_str), expected.as_ref().copied(), "{asked:?}");
    }
    // An embedded NUL ends the name on the wire, and cannot reach a path.
    assert_eq!(FileName::parse(b"a\0b"), Err(BadName::NotText));
}

#[test]
fn r4_3_28_the_serial_number_before_a_name_need_not_exist() {
    let (files, _) =
        set(&[("pi/start4.elf", 5), ("pi/config.txt", 1), ("pi/1234abcd/config.txt", 2)], &["pi"]);
    let mine = tree("pi", &["1234abcd", "dc-a6-32-00-00-01"]);
    let size = |viewer: &Viewer, asked: &str| files.find(viewer, &name(asked)).map(|found| found.size);
    assert_eq!(size(&mine, "1234abcd/start4.elf"), Some(5), "shared by all of the tree");
    assert_eq!(size(&mine, "1234abcd/config.txt"), Some(2), "its own before the shared one");
    assert_eq!(size(&mine, "1234ABCD/start4.elf"), Some(5));
    assert_eq!(size(&mine, "dc-a6-32-00-00-01/start4.elf"), Some(5), "TFTP_PREFIX=2");
    assert_eq!(size(&mine, "start4.elf"), Some(5));
    assert_eq!(size(&mine, "99999999/start4.elf"), None, "no prefix of this device");
    // A device that is to boot from its own disk finds neither start4.elf nor start.elf, whatever is on the disk.
    for asked in ["1234abcd/start4.elf", "1234abcd/start.elf", "start4.elf"] {
        assert_eq!(size(&Viewer::Nothing, asked), None, "{asked}");
    }
}

#[test]
fn a_client_sees_its_tree_and_nothing_beside_it() {
    let (files, _) = set(&[("agent/agent.efi", 1), ("secret/key", 2), ("agentx/no", 3)], &[]);
    let viewer = tree("agent", &[]);
    assert!(files.find(&viewer, &name("agent.efi")).is_some());
    assert!(files.find(&viewer, &name("agent/agent.efi")).is_none());
    assert!(files.find(&viewer, &name("secret/key")).is_none());
    assert_eq!(files.find(&tree("", &[]), &name("secret/key")).unwrap().name.as_str(), "secret/key");
}

#[test]
fn d06_a_file_above_the_clients_limit_is_refused_when_published() {
    const LIMIT: u64 = 65_535 * 1024 - 1;
    let (files, refused) = set(
        &[
            ("pi/kernel.img", LIMIT),
            ("pi/initrd.img", LIMIT + 1),
            ("pc/initrd.img", LIMIT + 1),
            ("pix/a", LIMIT + 1),
        ],
        &["pi"],
    );
    assert_eq!(files.len(), 3);
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (refused[0].name.as_str(), refused[0].size, refused[0].limit),
        ("pi/initrd.img", LIMIT + 1, LIMIT)
    );
    assert!(refused[0].to_string().contains("by HTTP"), "{}", refused[0]);
}
