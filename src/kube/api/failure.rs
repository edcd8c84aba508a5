//! What can go wrong between us and the API server, and what is to be done about it. Pure: nothing here waits or asks.

use std::time::Duration;

use super::resource::Resource;

/// Why a list or a watch ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("cannot tell where the API server is: {0}")]
    Unconfigured(String),
    #[error("cannot reach the API server: {0}")]
    Unreachable(String),
    #[error("the API server said nothing for {0:?}")]
    Silent(Duration),
    #[error("the connection broke off: {0}")]
    Broken(String),
    #[error("the API server refused: {0}")]
    Refused(Refusal),
    #[error("the API server sent something that is no {0}")]
    Nonsense(&'static str),
    /// Everything that is read has its bound, named in `limits`.
    #[error("one {what} is longer than {most} bytes (limits.{limit})")]
    TooLarge { what: &'static str, most: usize, limit: &'static str },
    #[error("a streamed list did not end within {0:?}")]
    Endless(Duration),
    /// Somebody restored a backup.
    #[error("the API server was set back: it is at version {server} and knew {known} before")]
    SetBack { server: String, known: String },
    /// Not an error: a list was held back, and it is time to ask again.
    #[error("a list that was held back is asked for again")]
    AskAgain,
    /// Not an error either, but suspicious.
    #[error("{0} watches in a row said nothing at all")]
    Quiet(u32),
    #[error("interlocal stops")]
    Stopped,
}

/// Was the server set back behind what it once told us? Versions are numbers that grow (Kubernetes 1.35 says so; they always
/// were); what is no number proves nothing.
#[must_use]
pub fn set_back(server: &str, known: &str) -> Option<Failure> {
    let number = |version: &str| version.parse::<u64>().ok();
    let behind = number(server)? < number(known)?;
    behind.then(|| Failure::SetBack { server: server.to_owned(), known: known.to_owned() })
}

/// A status that the API server sent, as an HTTP status or as an event of a watch.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
#[error("{code} {reason}: {message}")]
pub struct Refusal {
    pub code: u16,
    pub reason: String,
    pub message: String,
    pub retry_after: Option<Duration>,
}

/// What the next question to the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The watch, from where it was; a list if there was none.
    GoOn,
    /// All of it again.
    List,
    /// All of it again, in pages.
    ListPages,
}

impl Failure {
    /// `streaming`: the question was for a streamed list.
    #[must_use]
    pub fn next(&self, streaming: bool) -> Next {
        match self {
            Self::Endless(_) => Next::ListPages,
            // "The server does not support it": the feature is off, or the server older than it.
            Self::Refused(refusal) if streaming && matches!(refusal.code, 400 | 422) => Next::ListPages,
            Self::Refused(refusal) if refusal.is_gone() || refusal.code == 400 => Next::List,
            Self::AskAgain | Self::Quiet(_) | Self::SetBack { .. } => Next::List,
            _ => Next::GoOn,
        }
    }

    /// May the server be another one than before, or in another state?
    #[must_use]
    pub fn leaves_doubt(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Silent(_) | Self::Broken(_) | Self::Refused(_))
    }

    /// How long the server wants to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) if matches!(refusal.code, 429 | 500..) => refusal.retry_after,
            _ => None,
        }
    }

    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused(Refusal { code: 403, .. }))
    }

    /// The credentials are no good, or no good any more.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused(Refusal { code: 401, .. }))
    }

    /// Is it part of normal life, and no reason to complain?
    #[must_use]
    pub fn is_routine(&self) -> bool {
        match self {
            Self::AskAgain | Self::Stopped => true,
            Self::Refused(refusal) => refusal.code == 410,
            _ => false,
        }
    }

    /// One word for metrics.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Unconfigured(_) => "unconfigured",
            Self::Unreachable(_) => "unreachable",
            Self::Silent(_) => "silent",
            Self::Broken(_) => "broken",
            Self::Nonsense(_) => "nonsense",
            Self::TooLarge { .. } => "too_large",
            Self::Endless(_) => "endless_list",
            Self::SetBack { .. } => "set_back",
            Self::AskAgain => "held_back",
            Self::Quiet(_) => "quiet",
            Self::Stopped => "stopped",
            Self::Refused(refusal) => match refusal.code {
                401 => "unauthorized",
                403 => "forbidden",
                429 => "throttled",
                _ if refusal.is_gone() => "gone",
                500.. => "server_error",
                _ => "refused",
            },
        }
    }

    /// For people: what happened, and how to mend it if that is known.
    #[must_use]
    pub fn explain(&self, resource: &Resource) -> String {
        let Self::Refused(refusal) = self else { return self.to_string() };
        match refusal.code {
            403 => format!(
                "not allowed to list and watch {}: add `{}` to the ClusterRole of interlocal's ServiceAccount ({})",
                resource.full_name(),
                resource.rule(),
                refusal.message
            ),
            401 => format!("the API server does not know us (token or certificate): {}", refusal.message),
            _ => self.to_string(),
        }
    }
}

impl Refusal {
    /// The version that we know is no longer, or not yet, known to the server (which may have been set back).
    fn is_gone(&self) -> bool {
        let too_new = self.code == 504 && self.message.to_ascii_lowercase().contains("too large resource version");
        self.code == 410 || too_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::object::Kind;

    fn refused(code: u16, message: &str) -> Failure {
        let retry_after = Some(Duration::from_secs(7));
        Failure::Refused(Refusal { code, reason: "Because".into(), message: message.into(), retry_after })
    }

    #[test]
    fn what_comes_after_a_failure() {
        for (failure, streaming, next) in [
            (refused(410, "too old resource version: 1 (2)"), false, Next::List),
            (refused(504, "Timeout: Too large resource version: 9, current: 3"), false, Next::List),
            (refused(504, "Timeout: request did not complete"), false, Next::GoOn),
            (refused(400, "invalid resource version"), false, Next::List),
            (refused(422, "sendInitialEvents is forbidden"), true, Next::ListPages),
            (refused(400, "unknown parameter"), true, Next::ListPages),
            (refused(410, "expired"), true, Next::List),
            (refused(403, "forbidden"), true, Next::GoOn),
            (refused(429, "later"), false, Next::GoOn),
            (Failure::Endless(Duration::ZERO), true, Next::ListPages),
            (Failure::Silent(Duration::ZERO), false, Next::GoOn),
            (Failure::Broken("reset".into()), false, Next::GoOn),
            (Failure::Quiet(5), false, Next::List),
            (set_back("7", "9").unwrap(), false, Next::List),
        ] {
            assert_eq!(failure.next(streaming), next, "{failure}");
        }
    }

    #[test]
    fn a_server_is_set_back_if_its_number_is_smaller() {
        assert!(set_back("99", "100").is_some());
        for (server, known) in [("100", "100"), ("101", "99"), ("", "5"), ("abc", "abd"), ("5", "new")] {
            assert_eq!(set_back(server, known), None, "{server} {known}");
        }
    }

    #[test]
    fn only_a_server_that_is_busy_or_broken_says_when_to_come_back() {
        let seven = Some(Duration::from_secs(7));
        for (code, expected) in [(429, seven), (503, seven), (500, seven), (403, None), (410, None)] {
            assert_eq!(refused(code, "").retry_after(), expected, "{code}");
        }
    }

    #[test]
    fn a_missing_right_is_named_with_the_line_that_mends_it() {
        let text = refused(403, "endpointslices is forbidden").explain(Resource::of(Kind::Slice));
        let rule = "{apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}";
        assert!(text.contains("list and watch endpointslices.discovery.k8s.io") && text.contains(rule), "{text}");
        let text = refused(403, "no").explain(Resource::of(Kind::Service));
        assert!(text.contains("{apiGroups: [\"\"], resources: [services], verbs: [list, watch]}"), "{text}");
    }
    /// What a refusal says is what stands in the file that users apply.
    #[test]
    fn the_role_of_the_repository_is_what_we_ask_for() {
        let role = include_str!("../../../deploy/base/rbac.yaml");
        let rules: Vec<&str> = role.lines().filter_map(|line| line.strip_prefix("- {apiGroups")).collect();
        assert_eq!(rules.len(), 3, "and nothing else");
        for kind in [Kind::Namespace, Kind::Service, Kind::Slice] {
            assert!(role.contains(&format!("\n- {}\n", Resource::of(kind).rule())), "{kind:?}");
        }
        let more = include_str!("../../../deploy/components/pods-verified/pods.yaml");
        assert!(more.contains(&Resource::of(Kind::Pod).rule()), "{more}");
    }
}
