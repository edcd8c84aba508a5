//! The policy stage: every rule beside the plugin of a real CoreDNS that it stands for, each with its own configuration, one upstream
//! behind both; and what only ours does.

mod fixed;
mod hosts;
mod order;
mod pair;
mod reply;
mod rewrite;
mod stage;
mod template;
