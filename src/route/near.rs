//! Names that are nearly a region's: a hint for people, never a decision.

use super::table::Routes;
use crate::answer::Failure;
use crate::config::distance::suggest;
use crate::wire::NameBuf;

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
        Some(Failure::NoSuchRegion { label: label.to_owned(), known: self.regions.join(", ") })
    }
}
