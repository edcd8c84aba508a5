//! `{$NAME}` and `{%NAME%}`: variables of the environment, put in after the words were found, so that a value is never
//! parted. One that is not set is empty, as in CoreDNS.

/// The text with every variable replaced.
pub(super) fn replace(text: &str, get: &dyn Fn(&str) -> Option<String>) -> String {
    let text = between(text, "{%", "%}", get);
    between(&text, "{$", "}", get)
}

fn between(text: &str, open: &str, close: &str, get: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        let Some((name, behind)) = after.split_once(close) else { break };
        out.push_str(before);
        // Nothing in between is no variable.
        if name.is_empty() {
            out.push_str(open);
            out.push_str(close);
        } else {
            out.push_str(&get(name).unwrap_or_default());
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_replaced_wherever_they_stand() {
        let get = |name: &str| match name {
            "IP" => Some("10.0.0.1".to_owned()),
            "TWO" => Some("a b".to_owned()),
            _ => None,
        };
        for (text, replaced) in [
            ("{$IP}", "10.0.0.1"),
            ("{%IP%}:53", "10.0.0.1:53"),
            ("x{$IP}y{$TWO}", "x10.0.0.1ya b"),
            ("{$NONE}", ""),
            ("{$IP", "{$IP"),
            ("{$}", "{$}"),
            ("{}", "{}"),
        ] {
            assert_eq!(replace(text, &get), replaced, "{text}");
        }
    }
}
