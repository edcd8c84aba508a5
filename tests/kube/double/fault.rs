//! What is asked of the double, and how an answer can go wrong.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

/// One question, as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `services`, `endpointslices` and so on.
    pub resource: String,
    pub parameters: Vec<(String, String)>,
    pub at: Instant,
    /// The header `Authorization`.
    pub authorization: String,
}

/// Which questions.
#[derive(Debug, Clone, Copy)]
pub enum Wanted {
    Any,
    Of(&'static str),
    /// Pages of this resource.
    Lists(&'static str),
    /// Pages behind the first one.
    LaterPages(&'static str),
    /// Watches that begin with a list.
    Streams(&'static str),
    /// Watches from a version.
    Watches(&'static str),
}

/// How an answer goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status with this body and perhaps `Retry-After` in seconds.
    Status(u16, String, Option<u32>),
    /// The watch begins, and this is its first event.
    Event(Value),
    /// Nothing is ever said.
    Hang,
    /// The head, and nothing more.
    HangAfterHead,
    /// The answer breaks off after this many octets.
    Cut(usize),
    /// The body comes in pieces of this many octets with a pause behind each.
    Slow(usize, Duration),
    /// 200 with this body.
    Body(String),
    /// A streamed list without its end.
    NoEnd,
    /// A watch that is open and tells nothing: it ends in time.
    Mute,
    /// A watch that ends at once.
    EndAtOnce,
}

impl Asked {
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Is an object asked for, by its labels? Of selectors only `key in (value)` is known here, with commas between.
    pub fn takes(&self, object: &Value) -> bool {
        let parts =
            self.parameter("labelSelector").map(|text| text.split("),").collect::<Vec<_>>()).unwrap_or_default();
        parts.iter().all(|part| {
            let (key, value) = part.trim_end_matches(')').split_once(" in (").unwrap();
            object["metadata"]["labels"][key] == value
        })
    }

    pub fn is_watch(&self) -> bool {
        self.parameter("watch") == Some("true")
    }

    /// Does it ask for this object? Fields but the name are not looked at.
    pub fn covers(&self, object: &Value) -> bool {
        let fields = self.parameter("fieldSelector").unwrap_or_default();
        let name = fields.split(',').find_map(|field| field.strip_prefix("metadata.name="));
        name.is_none_or(|name| object["metadata"]["name"] == name)
    }

    pub fn is_stream(&self) -> bool {
        self.parameter("sendInitialEvents") == Some("true")
    }
}

impl Wanted {
    pub fn is(self, asked: &Asked) -> bool {
        match self {
            Self::Any => true,
            Self::Of(resource) => asked.resource == resource,
            Self::Lists(resource) => asked.resource == resource && !asked.is_watch(),
            Self::LaterPages(resource) => Self::Lists(resource).is(asked) && asked.parameter("continue").is_some(),
            Self::Streams(resource) => asked.resource == resource && asked.is_stream(),
            Self::Watches(resource) => asked.resource == resource && asked.is_watch() && !asked.is_stream(),
        }
    }
}

/// A `Status` object.
pub fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code})
}

impl Fault {
    /// A refusal as the API server words it.
    pub fn refuse(code: u16, reason: &str) -> Self {
        Self::Status(code, status(code, reason, &format!("{reason} by the double")).to_string(), None)
    }
}
