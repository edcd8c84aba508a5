//! Ten planted faults, and the failures of hand-made setups: each is put into real processes, and a tool names its cause in its
//! first screen of output. What it says is kept in `tests/tools/golden`, with addresses and times replaced by words;
//! `INTERLOCAL_BLESS=1` writes those files anew, for whoever reads the difference.

mod cluster;
mod files;
mod hosts;
mod loops;
mod regions;
mod upstreams;
mod ways;
pub mod world;
