//! What the API server sends: one line of a watch, one page of a list. Odd objects cost themselves and nothing else.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::access::Status;
use super::failure::{Failure, Refusal};
use crate::kube::lax::{Field, mappings};
use crate::kube::objects::RawObject;

/// One line of a watch.
#[derive(Debug)]
pub(super) enum Message {
    Changed(Box<RawObject>),
    Deleted(Box<RawObject>),
    /// Nothing else happened up to this version. `whole`: a streamed list ends here.
    Bookmark {
        version: Option<String>,
        whole: bool,
    },
    Refused(Refusal),
    /// Of a type that we do not know.
    Other,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    what: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

impl Message {
    /// # Errors
    /// If the line is not what a watch consists of.
    pub(super) fn read(line: &[u8]) -> Result<Self, Failure> {
        let nonsense = |_| Failure::Nonsense("event of a watch");
        let line: Line<'_> = serde_json::from_slice(line).map_err(nonsense)?;
        let object = || serde_json::from_str::<RawObject>(line.object.get()).map_err(nonsense);
        Ok(match line.what {
            "ADDED" | "MODIFIED" => Self::Changed(Box::new(object()?)),
            "DELETED" => Self::Deleted(Box::new(object()?)),
            "BOOKMARK" => {
                let object = object()?;
                let end = object.annotations().map(|annotations| &annotations.initial_events_end);
                let whole = end.is_some_and(|end| *end == Field::Is("true".to_owned()));
                Self::Bookmark { version: object.version().map(Into::into), whole }
            }
            "ERROR" => {
                let status: Status = serde_json::from_str(line.object.get()).map_err(nonsense)?;
                Self::Refused(status.refusal())
            }
            _ => Self::Other,
        })
    }
}

/// One page of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Page {
    metadata: Field<ListMetadata>,
    #[serde(default = "no_list")]
    items: Field<Vec<Field<RawObject>>>,
}

/// Not there at all, which is not the same as null.
fn no_list() -> Field<Vec<Field<RawObject>>> {
    Field::Wrong("nothing")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListMetadata {
    resource_version: Field<String>,
    #[serde(rename = "continue")]
    token: Field<String>,
}

mappings!(ListMetadata);

impl Page {
    /// # Errors
    /// If it is no list, or a list that cannot be watched from: it is not taken for an empty one.
    pub(super) fn read(body: &[u8]) -> Result<Self, Failure> {
        let page: Self = serde_json::from_slice(body).map_err(|_| Failure::Nonsense("list"))?;
        // An empty list is `[]` or null, but it is there.
        if matches!(page.items, Field::Wrong(_)) || page.version().is_empty() {
            return Err(Failure::Nonsense("list"));
        }
        Ok(page)
    }

    pub(super) fn version(&self) -> &str {
        self.of_metadata(|metadata| &metadata.resource_version)
    }

    /// Where the next page is; none if this is the last.
    pub(super) fn token(&self) -> Option<&str> {
        Some(self.of_metadata(|metadata| &metadata.token)).filter(|token| !token.is_empty())
    }

    /// The objects; what is no object at all is none.
    pub(super) fn objects(&self) -> impl Iterator<Item = Option<&RawObject>> {
        let items = match &self.items {
            Field::Is(items) => items.as_slice(),
            _ => &[],
        };
        items.iter().map(|item| match item {
            Field::Is(object) => Some(object),
            _ => None,
        })
    }

    fn of_metadata(&self, field: impl Fn(&ListMetadata) -> &Field<String>) -> &str {
        match &self.metadata {
            Field::Is(metadata) => field(metadata).text("metadata").unwrap_or_default(),
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line() {
        let changed = Message::read(br#"{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"7"}}}"#);
        assert!(matches!(changed, Ok(Message::Changed(object)) if object.version() == Some("7")));
        let end = br#"{"object":{"kind":"Service","metadata":{"resourceVersion":"9",
            "annotations":{"k8s.io/initial-events-end":"true"}}},"type":"BOOKMARK"}"#;
        assert!(matches!(Message::read(end), Ok(Message::Bookmark { version: Some(v), whole: true }) if v == "9"));
        let plain = br#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}"#;
        assert!(matches!(Message::read(plain), Ok(Message::Bookmark { whole: false, .. })));
        let gone = br#"{"type":"ERROR","object":{"kind":"Status","status":"Failure","code":410,"reason":"Expired"}}"#;
        assert!(matches!(Message::read(gone), Ok(Message::Refused(refusal)) if refusal.code == 410));
        assert!(matches!(Message::read(br#"{"type":"NEW","object":{}}"#), Ok(Message::Other)));
        for nonsense in ["", "{}", "[]", "null", r#"{"type":"ADDED"}"#, r#"{"type":"ADDED","object":{"#] {
            assert!(Message::read(nonsense.as_bytes()).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn an_odd_item_costs_itself() {
        let body =
            br#"{"metadata":{"resourceVersion":"5","continue":"next"},"items":[7,{"metadata":{"name":"a"}},null]}"#;
        let page = Page::read(body).unwrap();
        assert_eq!((page.version(), page.token()), ("5", Some("next")));
        assert_eq!(page.objects().map(|object| object.is_some()).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn only_a_list_is_an_empty_list() {
        for empty in [
            r#"{"metadata":{"resourceVersion":"5"},"items":[]}"#,
            r#"{"metadata":{"resourceVersion":"5"},"items":null}"#,
        ] {
            let page = Page::read(empty.as_bytes()).map(|page| page.objects().count());
            assert_eq!(page, Ok(0), "{empty}");
        }
        for nonsense in [
            "{}",
            r#"{"items":[]}"#,
            r#"{"metadata":{"resourceVersion":"5"}}"#,
            r#"{"metadata":{"resourceVersion":"5"},"items":{}}"#,
            r#"{"metadata":{"resourceVersion":""},"items":[]}"#,
            r#"{"metadata":{"resourceVersion":"5"},"items":[{"metadata""#,
            "<html>maintenance</html>",
        ] {
            assert!(Page::read(nonsense.as_bytes()).is_err(), "{nonsense}");
        }
    }
}
