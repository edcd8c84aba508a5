//! Logs to stderr, as JSON for collectors or as text for people; and a limit for warnings that would repeat. Nothing else
//! knows how lines are formatted.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// Which lines are wanted: a level, or levels by part such as `info,interlocal::peer=debug`.
#[derive(Debug)]
pub struct Filter(EnvFilter);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    #[error(
        "`{0}` is neither a level (error, warn, info, debug, trace) nor a filter such as `info,interlocal::peer=debug`"
    )]
    Filter(String),
    #[error("logging was already set up")]
    AlreadySet,
}

impl Filter {
    /// # Errors
    /// If it is not a filter.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let refused = || LogError::Filter(text.to_owned());
        let level = |part: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(part));
        // A word that is no level would be taken for the name of a part, and silence everything else.
        let bare = text.split(',').map(str::trim).find(|part| !part.contains(['=', ':', '[']) && !level(part));
        if bare.is_some() {
            return Err(refused());
        }
        let mut filter = EnvFilter::builder().parse(text).map_err(|_| refused())?;
        if !text.contains(KUBE_CLIENT)
            && let Ok(directive) = format!("{KUBE_CLIENT}=off").parse()
        {
            filter = filter.add_directive(directive);
        }
        Ok(Self(filter))
    }
}

/// It writes an error line for each try at an API server that is away. We say so once a minute, in our own words.
const KUBE_CLIENT: &str = "kube_client";

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

type Filtered = Layered<reload::Layer<EnvFilter, Registry>, Registry>;
type Lines = Box<dyn Layer<Filtered> + Send + Sync>;

/// Changes what was set up, when the configuration does.
pub struct LogHandle {
    filter: reload::Handle<EnvFilter, Registry>,
    lines: reload::Handle<Lines, Filtered>,
}

/// Sets up logging for the whole process.
///
/// # Errors
/// If that was done before.
pub fn init(json: bool, filter: Filter) -> Result<LogHandle, LogError> {
    let (filter, filter_handle) = reload::Layer::new(filter.0);
    let (lines, lines_handle) = reload::Layer::new(lines(json));
    let set = tracing_subscriber::registry().with(filter).with(lines).try_init();
    set.map_err(|_| LogError::AlreadySet)?;
    Ok(LogHandle { filter: filter_handle, lines: lines_handle })
}

impl LogHandle {
    /// From now on like this.
    pub fn apply(&self, json: bool, filter: Filter) {
        // Both fail only when the subscriber is gone, and then there is nothing to change.
        let _ = self.filter.reload(filter.0);
        let _ = self.lines.reload(lines(json));
    }
}

fn lines(json: bool) -> Lines {
    let layer = fmt::layer().with_writer(std::io::stderr);
    if json {
        layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    } else {
        let colour =
            std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        layer.with_ansi(colour).boxed()
    }
}

/// Lets something through once in a while, for warnings that may come with every packet.
#[derive(Debug)]
pub struct Every {
    period: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    last: Option<Instant>,
    held_back: u64,
}

/// At most once in `period`; can stand in a `static`.
#[must_use]
pub const fn every(period: Duration) -> Every {
    Every { period, state: Mutex::new(State { last: None, held_back: 0 }) }
}

impl Every {
    /// Some, if it is time to say it again, with how many times it was held back since; else it counts as held back.
    pub fn due(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock();
        if state.last.is_some_and(|last| now.saturating_duration_since(last) < self.period) {
            state.held_back += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_warning_is_held_back_and_counted() {
        let limit = every(Duration::from_secs(10));
        let start = crate::clock::now();
        let due = |seconds| limit.due(start + Duration::from_secs(seconds));
        assert_eq!([due(0), due(1), due(9), due(10), due(11), due(30)], [Some(0), None, None, Some(2), None, Some(1)]);
    }

    #[test]
    fn levels_and_filters_are_told_from_typing_errors() {
        for text in ["info", "WARN", "off", "info,interlocal::peer=debug", "interlocal::peer=debug"] {
            assert!(Filter::parse(text).is_ok(), "{text}");
        }
        for text in ["inof", "", "info,", "interlocal::peer=loud", "debug,verbose"] {
            assert_eq!(Filter::parse(text).err(), Some(LogError::Filter(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_was_set_up_can_be_changed() {
        let filter = |text| Filter::parse(text).expect("a filter");
        let handle = init(true, filter("error")).expect("the only test that sets it up");
        assert!(!tracing::enabled!(tracing::Level::INFO));
        handle.apply(false, filter("info"));
        assert!(tracing::enabled!(tracing::Level::INFO) && !tracing::enabled!(tracing::Level::DEBUG));
        assert_eq!(
            init(false, filter("info")).err().map(|error| error.to_string()),
            Some("logging was already set up".into())
        );
    }
}
