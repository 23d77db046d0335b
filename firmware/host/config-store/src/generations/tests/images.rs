//! Names of images that generations take from each other.

use super::*;
use host_files::UnitMode;

fn had(name: &str, id: &str) -> ReplacedImage {
    ReplacedImage { mode: UnitMode::Rootful, name: name.to_owned(), id: id.to_owned() }
}

#[test]
fn what_goes_back_has_names_to_give_back_until_that_is_done() {
    let folder = folder();
    let mut generations = open(folder.path());
    let mut active = activate(&mut generations, "1");
    active.note_replaced(&[]).unwrap();
    assert_eq!(active.back().unwrap(), None);
    assert_eq!(generations.stored().to_give_back(), []);

    let mut active = activate(&mut generations, "2");
    active.note_replaced(&[had("web:1", "aa")]).unwrap();
    active.back().unwrap();
    assert_eq!(generations.stored().to_give_back(), [had("web:1", "aa")]);
    // Nobody did it, and the next one fails as well: the first owner counts.
    let mut active = activate(&mut generations, "3");
    active.note_replaced(&[had("web:1", "bb"), had("db:1", "cc")]).unwrap();
    drop(active);
    drop(generations);
    let mut generations = open(folder.path());
    assert_eq!(generations.stored().to_give_back(), [had("web:1", "aa"), had("db:1", "cc")]);
    generations.gave_back().unwrap();
    generations.gave_back().unwrap();
    assert_eq!(generations.stored().to_give_back(), []);
}

/// The power goes between noting and settling, at any step: what the candidate took is known afterwards, or was not taken.
#[test]
fn what_a_power_cut_took_is_given_back_and_what_was_settled_is_not() {
    for settled in [false, true] {
        let folder = folder();
        let mut generations = open(folder.path());
        import(&mut generations, "1");
        let mut active = activate(&mut generations, "2");
        active.note_replaced(&[had("web:1", "aa")]).unwrap();
        if settled {
            active.settle().unwrap();
        } else {
            drop(active);
        }
        drop(generations);
        let generations = open(folder.path());
        let expected = if settled { vec![] } else { vec![had("web:1", "aa")] };
        assert_eq!(generations.stored().to_give_back(), expected);
    }
}

#[test]
fn the_images_of_an_older_generation_are_those_of_then() {
    let folder = folder();
    let mut generations = open(folder.path());
    for (config, replaced) in
        [("1", vec![]), ("2", vec![had("web:1", "aa")]), ("3", vec![had("web:1", "bb"), had("db:1", "cc")])]
    {
        let mut active = activate(&mut generations, config);
        active.note_replaced(&replaced).unwrap();
        active.settle().unwrap();
    }
    let stored = generations.stored();
    assert_eq!(stored.images_as_of(number(1)).unwrap(), [had("web:1", "aa"), had("db:1", "cc")]);
    assert_eq!(stored.images_as_of(number(2)).unwrap(), [had("web:1", "bb"), had("db:1", "cc")]);
    assert_eq!(stored.images_as_of(number(3)).unwrap(), []);
}
