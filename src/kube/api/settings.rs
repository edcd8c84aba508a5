//! Every bound and interval of the API source. Tests shorten them; nobody else changes them.

use std::time::Duration;

use crate::limits::Limits;

const SECOND: Duration = Duration::from_secs(1);

/// How patient the source is, and how much it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Objects in one page of a list: what the server holds for us at one time.
    pub page_size: u32,
    /// The server is asked to end a watch after this long, or up to a sixth earlier, so that replicas do not act as one.
    pub watch: Duration,
    /// A watch that the server has not ended this long after it should have is dead.
    pub watch_grace: Duration,
    /// Watches in a row that said nothing at all, not even a bookmark, before everything is listed again.
    pub quiet_watches: u32,
    /// A connection is made within this, or not.
    pub connect: Duration,
    /// From a question to the head of its reply.
    pub head: Duration,
    /// Between two pieces of a list.
    pub list_silence: Duration,
    /// A streamed list that takes longer is asked for in pages.
    pub streamed_list: Duration,
    /// A server that cannot stream lists is asked again after this: it may have been upgraded.
    pub stream_again: Duration,
    /// The pause after the first failure; it doubles up to `backoff_most`.
    pub backoff: Duration,
    /// The longest pause, and with it how late it may be noticed that the server is back.
    pub backoff_most: Duration,
    /// The longest pause between lists that lead to no watch: a list costs the server more than a question.
    pub relist_most: Duration,
    /// No `Retry-After` keeps us away for longer.
    pub retry_after_most: Duration,
    /// A watch that lived this long worked.
    pub working_watch: Duration,
    /// A client is made anew, from its files, if one that is older than this fails.
    pub client_age: Duration,
    /// A list that takes most names away is asked for again after this.
    pub hold: Duration,
    /// And is believed after this.
    pub hold_most: Duration,
    /// The same complaint is logged this often.
    pub complain: Duration,
    /// Bytes of one object in a watch.
    pub line: usize,
    /// Bytes of one page.
    pub page: usize,
}

impl Settings {
    /// With the limits of the configuration.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        let bytes = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        Self { line: bytes(limits.watch_line_bytes), page: bytes(limits.list_page_bytes), ..Self::default() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            page_size: 50,
            watch: 60 * SECOND,
            watch_grace: 5 * SECOND,
            quiet_watches: 5,
            connect: 2 * SECOND,
            head: 15 * SECOND,
            list_silence: 15 * SECOND,
            streamed_list: 30 * SECOND,
            stream_again: 600 * SECOND,
            backoff: SECOND / 5,
            backoff_most: 3 * SECOND,
            relist_most: 30 * SECOND,
            retry_after_most: 300 * SECOND,
            working_watch: SECOND,
            client_age: 30 * SECOND,
            hold: 10 * SECOND,
            hold_most: 300 * SECOND,
            complain: 60 * SECOND,
            line: limits.watch_line_bytes as usize,
            page: limits.list_page_bytes as usize,
        }
    }
}
