//! How it is built and released: the commit in `--version`.

mod commit;
