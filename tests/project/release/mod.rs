//! How it is built and released: the commit in `--version`, and the workflows of the public forge. Nothing here builds a
//! release; the workflows do, of the parts that these tests hold.

mod commit;
mod script;
mod workflows;
