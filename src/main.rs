//! The binary: hands over to the command that was named. Exit code 0 is fine, 1 is "found problems", 2 is usage or
//! configuration.

use std::process::ExitCode;

fn main() -> ExitCode {
    interlocal::cli::run()
}
