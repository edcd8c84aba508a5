//! When a host name is resolved again, and which addresses count meanwhile. Pure but for the trait, whose real form asks
//! through the forward routes.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use crate::wire::Name;

/// A lookup under way.
pub type Looking<'l> = Pin<Box<dyn Future<Output = Result<Resolved, String>> + Send + 'l>>;

/// Turns host names into addresses.
pub trait Resolve: Send + Sync {
    /// All addresses of both families, or why there are none.
    fn lookup<'l>(&'l self, name: &'l Name) -> Looking<'l>;
}

/// The addresses of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    pub addresses: Vec<IpAddr>,
    pub ttl: Duration,
}

/// A name is never resolved more often than this, whatever its TTL.
const LEAST_TTL: Duration = Duration::from_secs(5);
/// A name is never kept longer than this, so that a wrong TTL mends itself.
const MOST_TTL: Duration = Duration::from_secs(300);
/// Share of the TTL added at most, so that replicas do not ask in step.
const JITTER: f64 = 0.1;
/// After the first failure; doubled by each further one.
const FIRST_RETRY: Duration = Duration::from_millis(250);
/// As soon as a name resolves it is used, so failures are never far apart.
const MOST_RETRY: Duration = LEAST_TTL;

/// What is known of one host name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// The last good set, kept while resolution fails.
    pub addresses: Vec<IpAddr>,
    /// Why the last lookup failed.
    pub error: Option<String>,
    failures: u32,
    asked: bool,
}

impl Host {
    /// Takes the outcome of a lookup in, and says how long to wait for the next. `dice` is from 0 up to 1.
    pub fn looked_up(&mut self, outcome: Result<Resolved, String>, dice: f64) -> Duration {
        self.asked = true;
        match outcome {
            Ok(found) if !found.addresses.is_empty() => {
                self.addresses = found.addresses;
                self.addresses.sort_unstable();
                self.addresses.dedup();
                (self.error, self.failures) = (None, 0);
                found.ttl.clamp(LEAST_TTL, MOST_TTL).mul_f64(1.0 + JITTER * dice)
            }
            failed => {
                self.error = Some(failed.err().unwrap_or_else(|| "no address".into()));
                let doubled = FIRST_RETRY * 2u32.pow(self.failures.min(8));
                self.failures += 1;
                doubled.min(MOST_RETRY).mul_f64(1.0 + JITTER * dice)
            }
        }
    }

    /// It has not been looked up even once.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(addresses: &[&str], seconds: u64) -> Result<Resolved, String> {
        let addresses = addresses.iter().map(|text| text.parse().expect("an address")).collect();
        Ok(Resolved { addresses, ttl: Duration::from_secs(seconds) })
    }

    #[test]
    fn the_ttl_decides_within_bounds() {
        let mut host = Host::default();
        assert!(host.is_pending());
        assert_eq!(host.looked_up(found(&["10.0.0.1"], 60), 0.0), Duration::from_secs(60));
        assert_eq!(host.looked_up(found(&["10.0.0.1"], 1), 0.0), Duration::from_secs(5), "the floor");
        assert_eq!(host.looked_up(found(&["10.0.0.1"], 86_400), 0.0), Duration::from_secs(300));
        let late = host.looked_up(found(&["10.0.0.1"], 60), 0.99);
        assert!(late > Duration::from_secs(60) && late < Duration::from_secs(67));
    }

    #[test]
    fn the_last_good_set_is_kept_while_resolution_fails() {
        let mut host = Host::default();
        host.looked_up(found(&["10.0.0.2", "10.0.0.1", "10.0.0.2"], 5), 0.0);
        let before = host.addresses.clone();
        assert_eq!(before.len(), 2);
        let waits: Vec<u64> = (0..7).map(|_| host.looked_up(Err("dark".into()), 0.0).as_millis() as u64).collect();
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
        assert_eq!((&host.addresses, host.error.as_deref()), (&before, Some("dark")));
        host.looked_up(found(&[], 5), 0.0);
        assert_eq!((&host.addresses, host.error.as_deref()), (&before, Some("no address")));
        host.looked_up(found(&["10.0.0.3"], 5), 0.0);
        assert_eq!((host.addresses.len(), host.error), (1, None));
    }
}
