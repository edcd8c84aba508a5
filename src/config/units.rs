//! Durations and sizes: always with a unit in a file, so that nobody has to guess what a number counts.

use std::fmt;
use std::time::Duration;

use super::error::Fault;
use super::field::Leaf;

/// Units of time in milliseconds, the largest first.
const TIMES: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// Units of size in bytes, the largest first.
const SIZES: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
/// Units that look like those above and are a thousandth part off, or another notation for them.
const NEARLY: [(&str, &str); 9] = [
    ("GB", "GiB"),
    ("MB", "MiB"),
    ("KB", "KiB"),
    ("kB", "KiB"),
    ("Gi", "GiB"),
    ("Mi", "MiB"),
    ("Ki", "KiB"),
    ("G", "GiB"),
    ("M", "MiB"),
];

/// Reads `5s`, `1500ms`, `5m`, `1h`.
///
/// # Errors
/// If there is no unit, an unknown one, or no whole number.
pub fn duration(text: &str) -> Result<Duration, Fault> {
    let wrong = || Fault::new(format!("`{text}` is not a duration"));
    let (number, unit) = split(text);
    let number: u64 = match number.parse() {
        Ok(number) => number,
        Err(_) => return Err(wrong().help("write a whole number and a unit: `1500ms`, `5s`, `5m` or `1h`")),
    };
    if unit.is_empty() && number == 0 {
        return Ok(Duration::ZERO);
    }
    if unit.is_empty() {
        return Err(Fault::new(format!("duration `{text}` has no unit")).help(format!("write `{text}s` for seconds")));
    }
    let known = TIMES.iter().find(|(name, _)| *name == unit);
    let (_, millis) = known.ok_or_else(|| wrong().help("its unit must be `ms`, `s`, `m` or `h`"))?;
    let millis = number.checked_mul(*millis).ok_or_else(|| wrong().help("it is too long"))?;
    Ok(Duration::from_millis(millis))
}

/// Reads `16MiB`, `64KiB`, `1GiB`, or a plain number of bytes.
///
/// # Errors
/// If there is an unknown unit, or no whole number.
pub fn size(text: &str) -> Result<u64, Fault> {
    let wrong = || Fault::new(format!("`{text}` is not a size"));
    let (number, unit) = split(text);
    let help = "write a whole number of bytes, or one with `KiB`, `MiB` or `GiB`";
    let number: u64 = number.parse().map_err(|_| wrong().help(help))?;
    if unit.is_empty() {
        return Ok(number);
    }
    let Some((_, bytes)) = SIZES.iter().find(|(name, _)| *name == unit) else {
        let meant = NEARLY.iter().find(|(name, _)| *name == unit);
        return Err(wrong().help(meant.map_or(help.into(), |(_, unit)| format!("did you mean `{number}{unit}`?"))));
    };
    number.checked_mul(*bytes).ok_or_else(|| wrong().help("it is too large"))
}

/// A duration as a file would say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Duration);

/// A size as a file would say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let fits = TIMES.iter().find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit));
        let (name, unit) = fits.unwrap_or(&("s", 1_000));
        write!(f, "{}{name}", millis / unit)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SIZES.iter().find(|(_, unit)| self.0 > 0 && self.0.is_multiple_of(*unit)) {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Leaf for Time {
    const EXPECTED: &'static str = "a duration such as `5s`";

    fn read(text: &str) -> Result<Self, Fault> {
        duration(text).map(Self)
    }
}

impl Leaf for Size {
    const EXPECTED: &'static str = "a size such as `16MiB`";

    fn read(text: &str) -> Result<Self, Fault> {
        size(text).map(Self)
    }
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_shown_back() {
        for (text, millis) in [("5s", 5_000), ("1500ms", 1_500), ("1h", 3_600_000), ("5m", 300_000), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)));
            assert_eq!(Time(Duration::from_millis(millis)).to_string(), text);
        }
        for (text, bytes) in [("16MiB", 16 << 20), ("64KiB", 64 << 10), ("3GiB", 3 << 30), ("1000", 1_000), ("0", 0)] {
            assert_eq!(size(text), Ok(bytes));
            assert_eq!(Size(bytes).to_string(), text);
        }
        assert_eq!(Time(Duration::from_secs(90)).to_string(), "90s");
        assert_eq!(duration("0"), Ok(Duration::ZERO), "nothing needs no unit");
    }

    #[test]
    fn units_that_may_be_wrong_are_refused() {
        let shown = |fault: Fault| format!("{} ({})", fault.message, fault.help.unwrap_or_default());
        assert_eq!(shown(duration("5").unwrap_err()), "duration `5` has no unit (write `5s` for seconds)");
        assert_eq!(
            shown(duration("5d").unwrap_err()),
            "`5d` is not a duration (its unit must be `ms`, `s`, `m` or `h`)"
        );
        assert_eq!(shown(size("16MB").unwrap_err()), "`16MB` is not a size (did you mean `16MiB`?)");
        for text in ["", "s", "-5s", "1.5s", "1h30m", "99999999999999999999s", "99999999999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["", "MiB", "-1", "1e3", "99999999999999999999", "99999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
