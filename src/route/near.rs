//! Names that are nearly a region's: a hint for people, never a decision.

use super::table::Routes;
use crate::answer::Failure;
use crate::config::distance::suggest;
use crate::wire::NameBuf;
use crate::wire::edns::MAX_EDE_TEXT;

impl Routes {
    /// Where `name` is `….<label>.svc.<cluster domain>`: the label, which is a namespace or a region.
    #[must_use]
    pub fn namespace<'n>(&self, name: &'n NameBuf) -> Option<&'n str> {
        let domain = self.domain.as_ref().label_count();
        let label = name.label_count().checked_sub(domain + 2)?;
        let inside = name.label(label + 1) == b"svc" && name.suffix(domain) == self.domain.as_ref();
        std::str::from_utf8(name.label(label)).ok().filter(|_| inside)
    }

    /// The hint for a label that is neither a namespace nor a region, if it is nearly a region's.
    #[must_use]
    pub fn nearly_a_region(&self, label: &str) -> Option<Failure> {
        suggest(label, self.regions.iter().map(String::as_str))?;
        let room = MAX_EDE_TEXT.saturating_sub("no such region ``; known: ".len() + label.len());
        Some(Failure::NoSuchRegion { label: label.to_owned(), known: listed(&self.regions, room) })
    }
}

/// As many labels as there is room for, whole ones: half a label is a region that nobody has.
fn listed(labels: &[String], room: usize) -> String {
    const MORE: &str = ", …";
    let mut list = String::new();
    for (at, label) in labels.iter().enumerate() {
        let more = if at + 1 < labels.len() { MORE.len() } else { 0 };
        let comma = if at > 0 { ", " } else { "" };
        if list.len() + comma.len() + label.len() + more > room {
            return list + if at > 0 { MORE } else { "…" };
        }
        list = list + comma + label;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn labels_are_listed_whole_or_not_at_all() {
        let labels: Vec<String> = ["central", "east", "west"].map(str::to_owned).to_vec();
        assert_eq!(listed(&labels, 19), "central, east, west");
        assert_eq!(listed(&labels, 18), "central, east, …");
        assert_eq!(listed(&labels, 17), "central, …");
        assert_eq!(listed(&labels, 3), "…");
        assert_eq!(listed(&[], 3), "");
    }
}
