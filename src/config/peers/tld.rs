//! Which labels are top-level domains. Search paths turn `shop.amazon.de` into `shop.amazon.de.svc.cluster.local`, so a
//! region named `de` would take all of Germany.

/// IANA's list; the file says of which day. It grows by a few names a year, none of two letters goes unlisted.
const LIST: &str = include_str!("tlds-2026-08-22.txt");

/// Top-level labels that no registry has and many networks use (RFC 6761, RFC 6762 G, ICANN's `internal`).
const PRIVATE: [&str; 6] = ["local", "internal", "localhost", "lan", "corp", "home"];

/// Is this lower-case label a top-level domain somewhere? Every two-letter one is, or may become one (RFC 1591 2).
pub(super) fn is_tld(label: &str) -> bool {
    let two_letters = label.len() == 2 && label.bytes().all(|byte| byte.is_ascii_lowercase());
    two_letters || PRIVATE.contains(&label) || LIST.lines().any(|line| line == label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_level_domains_are_known() {
        for label in ["com", "de", "qq", "amazon", "internal", "lan", "xn--p1ai", "zone", "aaa", "zw"] {
            assert!(is_tld(label), "{label}");
        }
        for label in ["east", "us-east-2", "e1", "22", "central", "#", "", "# newer"] {
            assert!(!is_tld(label), "{label}");
        }
    }

    #[test]
    fn list_is_whole_and_in_order() {
        let labels: Vec<&str> = LIST.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(labels.len() > 1_400 && labels.is_sorted());
        assert!(labels.iter().all(|label| label.len() >= 2 && label.bytes().all(|byte| byte != b'.' && byte > b' ')));
    }
}
