//! Durations as Go writes them: `5s`, `1h30m`, `0.5s`.

use std::time::Duration;

use crate::config::error::Fault;

/// Units in nanoseconds.
const UNITS: [(&str, f64); 8] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12)];
/// More is no setting of a DNS server, and would not fit everywhere.
const MOST: f64 = 1e9 * 86_400.0 * 366.0 * 100.0;

/// Reads a duration with its units.
///
/// # Errors
/// If it is none.
pub(super) fn duration(text: &str) -> Result<Duration, Fault> {
    let wrong = || {
        Fault::new(format!("`{text}` is not a duration"))
            .help("write a number with its unit, as in `30s`, `5m` or `1h30m`")
    };
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut nanos = 0.0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(end);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        nanos += number * size;
        rest = tail;
    }
    if nanos > MOST { Err(wrong()) } else { Ok(Duration::from_secs_f64(nanos / 1e9)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_writes_them_so() {
        for (text, millis) in
            [("5s", 5_000), ("1h30m", 5_400_000), ("0.5s", 500), ("1m0.5s", 60_500), ("0", 0), ("+2ms", 2)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "-5s", "1d", "1..5s", "999999999999h", "5 s", "1.s.", "é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
