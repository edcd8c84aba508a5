//! Programs that tests need and that `.ci/run` builds once and keeps outside the checkout. A machine without one skips those
//! tests aloud; under `INTERLOCAL_CI=1` a missing program is a failure.

use std::path::{Path, PathBuf};

use super::dig::skip;

/// The program at this variable of the environment, else at this place in the cache of `.ci/run`; none if there is none.
/// `build` is the command that builds it.
pub fn find(test: &str, variable: &str, place: &str, build: &str) -> Option<PathBuf> {
    let given = std::env::var_os(variable).map(PathBuf::from);
    let program = given.or_else(|| Some(cache()?.join("interlocal-ci").join(place)))?;
    if program.is_file() {
        return Some(program);
    }
    skip(test, &format!("{} ({build} makes it, {variable} names another one)", program.display()));
    None
}

fn cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(|| Some(set("HOME")?.join(Path::new(".cache"))))
}
