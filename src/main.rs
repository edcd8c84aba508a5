//! The program `interlocal`: exit codes, and nothing else.

fn main() {}
