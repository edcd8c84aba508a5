//! The JSON of our own pages: written by the listener, read again by the tools.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// # Errors
/// If the text is no such page.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}

/// For people as well: one value a line.
#[must_use]
pub fn write<T: Serialize>(page: &T) -> String {
    // Maps with other keys than text are all that JSON cannot hold, and there are no maps.
    serde_json::to_string_pretty(page).unwrap_or_default()
}
