//! The fuzz targets: functions that take any bytes and panic if something that must always hold does not. libFuzzer calls them
//! by `fuzz_targets/`, and `cargo test` by `tests/cve/replay/`. Nothing here may depend on time, order or chance.

pub mod answers;
mod cached;
pub mod config;
pub mod corefile;
mod differences;
pub mod frames;
pub mod objects;
pub mod query;
mod reading;
mod server;

pub use differences::known_differences;

/// A target.
pub type Run = fn(&[u8]);

/// Name and function of each target; the name is that of its folder of seeds too.
pub const ALL: [(&str, Run); 6] = [
    ("query", query::run),
    ("answers", answers::run),
    ("frames", frames::run),
    ("objects", objects::run),
    ("config", config::run),
    ("corefile", corefile::run),
];
