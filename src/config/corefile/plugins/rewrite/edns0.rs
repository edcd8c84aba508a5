//! `rewrite edns0`: options that upstreams are asked with.

use super::Sources;
use crate::config::corefile::directive::said;
use crate::config::corefile::lexer::Token;
use crate::config::error::Fault;
use crate::config::policy::{Edns0Action, Edns0Data, Edns0Option, Rewrite, local_code, local_data, prefix_length};

const KINDS: [&str; 3] = ["local", "nsid", "subnet"];

/// `local ACTION CODE DATA`, `nsid ACTION`, `subnet ACTION BITS BITS`, each with `revert`; `unset` has no data.
pub(super) fn read(field: &Token, args: &[&Token], sources: &Sources) -> Option<Rewrite> {
    let [kind, action, args @ ..] = args else {
        super::short(field, "write `rewrite edns0 local set 0xffee TEXT`", sources);
        return None;
    };
    let words = Edns0Action::WORDS;
    let found = words.iter().find(|(word, _)| action.text.eq_ignore_ascii_case(word));
    let Some((_, change)) = found else {
        let fault = Fault::new(format!("`rewrite edns0` cannot `{}`", action.text));
        sources.error(action.spot, fault.did_you_mean(&action.text, &words.map(|(word, _)| word)));
        return None;
    };
    let unset = *change == Edns0Action::Unset;
    let args = match args.split_last() {
        Some((last, rest)) if !unset && last.is("revert") => rest,
        _ => args,
    };
    let option = match (kind.text.to_ascii_lowercase().as_str(), args) {
        ("nsid", []) => Edns0Option::Nsid,
        ("subnet", []) if unset => Edns0Option::Subnet { v4: 0, v6: 0 },
        ("subnet", [v4, v6]) if !unset => Edns0Option::Subnet {
            v4: said(v4, prefix_length(&v4.text, 32), sources)?,
            v6: said(v6, prefix_length(&v6.text, 128), sources)?,
        },
        ("local", [code]) if unset => {
            let data = Edns0Data::Octets(Vec::new());
            Edns0Option::Local { code: said(code, local_code(&code.text), sources)?, data }
        }
        ("local", [code, data]) if !unset => Edns0Option::Local {
            code: said(code, local_code(&code.text), sources)?,
            data: said(data, local_data(&data.text), sources)?,
        },
        ("local" | "nsid" | "subnet", _) => {
            super::short(kind, "write `local set 0xffee TEXT`, `nsid set` or `subnet set 24 56`", sources);
            return None;
        }
        (other, _) => {
            let fault = Fault::new(format!("`rewrite edns0` knows no option `{other}`"));
            sources.error(kind.spot, fault.did_you_mean(other, &KINDS));
            return None;
        }
    };
    let note = "the same for what upstreams are asked; replies have our own options only, as if all had `revert`";
    sources.note(field.spot, "rewrite edns0", note);
    Some(Rewrite::Edns0 { option, action: *change })
}
