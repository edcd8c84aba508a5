//! Looks at the memory that the container may have, and makes the cache smaller before the kernel ends the process. Where nothing
//! limits the memory there is nothing to look at.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::cache::{Memory, Pressure};
use crate::server::core::Core;

/// Between two looks. What grows faster than this is not the cache, whose entries come at the speed of the network.
const EVERY: Duration = Duration::from_secs(2);

/// Looks for as long as the core lives.
pub(super) fn watch(core: &Arc<Core>) {
    if memory(Path::new("/")).is_some() {
        core.runtime.spawn(watch_at(Arc::downgrade(core), Path::new("/")));
    }
}

async fn watch_at(core: Weak<Core>, root: &Path) {
    let mut known: Option<(Pressure, usize)> = None;
    loop {
        tokio::time::sleep(EVERY).await;
        let (Some(core), Some(memory)) = (core.upgrade(), memory(root)) else { return };
        let configured = core.routing.load().config.cache_size();
        let (mut pressure, before) = known.unwrap_or_else(|| (Pressure::new(configured), configured));
        let allowed = pressure.look(memory, configured, core.cache.bytes());
        // A reload may have set what is configured.
        core.cache.resize(allowed);
        if allowed < before && allowed < configured {
            let Memory { used, limit } = memory;
            tracing::warn!(used, limit, allowed, configured, "memory is short: the cache is made smaller");
        }
        known = Some((pressure, allowed));
    }
}

/// What this process uses and may use; none if that is not limited, or not told.
fn memory(root: &Path) -> Option<Memory> {
    let limit = limit(root)?;
    let status = std::fs::read_to_string(root.join("proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(Memory { used: kilobytes * 1_024, limit })
}

/// The memory that the container may have; none if that is not limited, or not told.
#[must_use]
pub fn limit(root: &Path) -> Option<u64> {
    let number = |file: &str| -> Option<u64> { std::fs::read_to_string(root.join(file)).ok()?.trim().parse().ok() };
    // Inside a container its own group is the root (cgroup v2, then v1).
    let limit = number("sys/fs/cgroup/memory.max").or_else(|| number("sys/fs/cgroup/memory/memory.limit_in_bytes"))?;
    // Version 1 says "no limit" by a number that no machine has.
    Some(limit).filter(|limit| *limit < 1 << 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(limit: &[(&str, &str)], resident: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("below the root")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        limit.iter().for_each(|(path, text)| write(path, text));
        write("proc/self/status", &format!("Name:\tinterlocal\nVmRSS:\t{resident}\nThreads:\t9\n"));
        root
    }

    #[test]
    fn limits_are_read_in_both_versions() {
        let used = 50_000 * 1_024;
        for (files, limit) in [
            (&[("sys/fs/cgroup/memory.max", "178257920\n")][..], Some(178_257_920)),
            (&[("sys/fs/cgroup/memory.max", "max\n")], None),
            (&[("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000\n")], Some(1_000_000)),
            (&[("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")], None),
            (&[], None),
        ] {
            let root = root(files, "   50000 kB");
            assert_eq!(memory(root.path()), limit.map(|limit| Memory { used, limit }), "{files:?}");
        }
    }

    #[test]
    fn our_own_memory_can_be_read() {
        let root = root(&[("sys/fs/cgroup/memory.max", "1000000000000")], "1 kB");
        assert!(memory(root.path()).is_some());
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        assert!(!cfg!(target_os = "linux") || status.contains("VmRSS:"));
    }
}
