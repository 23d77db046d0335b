//! The stories, a file per subject. A test is named after the acceptance case it shows; those too long for every
//! run stand in a module `full`.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed, and the error says where")]

mod appliance;
mod applying;
mod building;
mod containers;
mod disk_and_layout;
mod faults;
mod first_boot;
mod harness;
mod lan;
mod lasting;
mod resets;
mod seeding_freshness;
mod selector;
