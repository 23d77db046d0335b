//! The stories, a file per subject. A test is named after the acceptance case it shows; those too long for every
//! run stand in a module `full`.

mod disk_and_layout;
mod selector;
