//! The main job, end to end: regions that ask each other, in one process and in several, with good files and bad ones.

#[path = "../support/mod.rs"]
mod support;

mod bad_files;
mod bad_table;
mod dark;
mod demo;
mod digs;
mod matrix;
mod processes;
