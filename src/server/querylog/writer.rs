//! The thread that writes the log of questions. It may wait for whoever reads; nobody waits for it.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::Entry;
use crate::clock;

/// Written at once when this much has come together, or when nothing more waits.
const ENOUGH: usize = 32 << 10;

/// Writes until nobody is there any more who could have something to say.
pub(super) fn run(
    queue: &Receiver<(Entry, Duration)>,
    mut out: impl Write,
    written: &AtomicU64,
    not_written: &AtomicU64,
) {
    let mut text = String::new();
    while let Ok((entry, took)) = queue.recv() {
        text.clear();
        let mut lines = 1;
        entry.line.write(&entry.format, clock::since_1970(), took, &mut text);
        while text.len() < ENOUGH
            && let Ok((entry, took)) = queue.try_recv()
        {
            entry.line.write(&entry.format, clock::since_1970(), took, &mut text);
            lines += 1;
        }
        // Who closed the other end wants no log; others may still be answered.
        let done = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        if done.is_ok() { written } else { not_written }.fetch_add(lines, Relaxed);
    }
}
