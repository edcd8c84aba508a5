//! Time on a core, as the kernel's scheduler counts it: user, kernel, and what arrives in interrupts meanwhile.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// What one thread had so far.
#[derive(Clone, Copy, Default)]
pub struct Times {
    pub on_core: Duration,
    /// Ready to run, and another one had the core.
    pub waiting: Duration,
}

/// Of a folder `/proc/PID/task/TID`; nothing once the thread is gone.
pub fn of_task(task: &Path) -> Option<Times> {
    let text = fs::read_to_string(task.join("schedstat")).ok()?;
    let mut numbers = text.split_whitespace().map_while(|number| number.parse().ok().map(Duration::from_nanos));
    Some(Times { on_core: numbers.next()?, waiting: numbers.next()? })
}

/// Of the thread that asks.
pub fn own() -> Times {
    of_task(Path::new("/proc/thread-self")).unwrap_or_default()
}
