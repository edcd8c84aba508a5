//! Which known word was probably meant: behind each "did you mean". It must stay pure and small, it also runs on names
//! that come from the network.

/// Edits (insert, delete, replace) beyond which two words are not the same word mistyped.
const MAX_EDITS: usize = 2;
/// Longer words are not compared: a label has at most 63 octets (RFC 1035 2.3.4). So everything is on the stack.
const MAX_WORD: usize = 63;

/// The candidate nearest to `word`, the first of equals; none if all are more than two edits away. Case does not count.
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let edits = distance(word, candidate)?;
            // A word of which nothing is left is another word.
            (edits < word.len()).then_some((edits, candidate))
        })
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// How many edits of octets lie between two words, if at most two.
#[must_use]
pub fn distance(a: &str, b: &str) -> Option<usize> {
    if a.len() > MAX_WORD || b.len() > MAX_WORD || a.len().abs_diff(b.len()) > MAX_EDITS {
        return None;
    }
    let mut row: [usize; MAX_WORD + 1] = std::array::from_fn(|edits| edits);
    for (i, letter) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(!letter.eq_ignore_ascii_case(&other));
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    Some(row[b.len()]).filter(|edits| *edits <= MAX_EDITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_up_to_two() {
        assert_eq!(distance("east", "east"), Some(0));
        assert_eq!(distance("eats", "east"), Some(2));
        assert_eq!(distance("est", "east"), Some(1));
        assert_eq!(distance("", "ab"), Some(2));
        assert_eq!(distance("west", "central"), None);
        assert_eq!(distance(&"x".repeat(64), &"x".repeat(64)), None);
    }

    #[test]
    fn nearest_candidate_wins() {
        let regions = ["central", "east", "west"];
        assert_eq!(suggest("esat", regions), Some("east"));
        assert_eq!(suggest("WEST", regions), Some("west"));
        assert_eq!(suggest("north", regions), None);
        assert_eq!(suggest("to", ["ttl"]), None, "nothing in common");
        assert_eq!(suggest("", regions), None);
    }
}
