//! A Corefile: a text is read or refused, each complaint names a place, and what `import` writes of it reads back as the same.
//!
//! Input: the text, which may import one file with the same text.

use std::io;
use std::path::Path;

use interlocal::config::corefile::{self, Inputs, write};
use interlocal::config::peers::{self, TableContext};
use interlocal::config::{self, Overrides, PeersSource, UnknownKeys};

const FILE: &str = "/etc/Corefile";

struct Itself<'a>(&'a str);

impl Inputs for Itself<'_> {
    fn read(&self, file: &Path) -> io::Result<String> {
        match file.to_str() {
            Some(FILE | "/etc/more.override") => Ok(self.0.to_owned()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        if folder == Path::new("/etc") { Ok(vec!["more.override".into()]) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "A").then(|| self.0.chars().take(8).collect())
    }
}

pub fn run(data: &[u8]) {
    // Imports of itself are bounded by their number, so that a long text takes long.
    let Some(text) = std::str::from_utf8(data).ok().filter(|text| text.len() < 4_096) else { return };
    let read = || corefile::parse(Path::new(FILE), &Itself(text), &Overrides::default());
    let first = read();
    assert_eq!(first.as_ref().err(), read().err().as_ref(), "the same text means the same");
    match first {
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(!problem.message.is_empty() && !problem.message.contains('\n'), "{problem}");
                assert!(problem.line > 0 && problem.column > 0, "{problem}");
            }
        }
        Ok(parsed) => reads_back(&parsed.value),
    }
}

fn reads_back(read: &corefile::Corefile) {
    let written = write::files(&read.config, &read.notes, "Corefile");
    let place = Path::new("/etc/interlocal.yaml");
    let again = config::file::parse(&written.config, place, UnknownKeys::Refuse, &Overrides::default());
    let Ok(mut again) = again else { panic!("{:?}\n{}", again.err(), written.config) };
    if let (PeersSource::Table(table), Some(text)) = (&read.config.peers.source, &written.peers) {
        let context = TableContext {
            cluster_domain: &read.config.cluster_domain,
            region: None,
            stub_zones: &[],
            limits: &read.config.limits,
            folder: None,
        };
        let peers = peers::parse(text, Path::new("peers.yaml"), &context, UnknownKeys::Refuse);
        assert_eq!((peers.errors, &peers.table), (Vec::new(), &**table), "{text}");
    }
    again.value.peers.source = read.config.peers.source.clone();
    if written.left_out.is_empty() {
        for (again, read) in again.value.servers.iter_mut().zip(&read.config.servers) {
            // The zones of a block stand in a row of their own there.
            assert_eq!(again.policy.len(), read.policy.len());
            again.policy.clone_from(&read.policy);
        }
        assert_eq!(again.value, read.config, "{}", written.config);
    }
}
