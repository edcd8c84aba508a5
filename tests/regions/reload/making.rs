//! What the tests of this folder edit and ask.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record, RecordType};

use crate::support::client::ask_udp;
use crate::support::read::addresses;
use crate::support::running::Running;
use crate::support::secs;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;

/// A server that has this address for every name of the zone.
pub(crate) fn answering(zone: &str, address: &str, ttl: u32) -> ScriptServer {
    let server = ScriptServer::start();
    let address: Ipv4Addr = address.parse().unwrap();
    server.on_zone(zone).edit(move |query, reply| {
        let asked = &query.queries[0];
        if asked.query_type() == RecordType::A {
            reply.add_answer(Record::from_rdata(asked.name().clone(), ttl, RData::A(A(address))));
        }
    });
    server
}

/// The address that this region answers for the name now.
pub(crate) async fn address(region: &Running, asked: &str) -> Option<String> {
    let reply = ask_udp(region.dns(), asked, RecordType::A).await;
    addresses(&reply).first().map(ToString::to_string)
}

/// Waits until a name has this address, and asks for a new one each time, which no memory has: `*` is a number.
pub(crate) async fn until_address(region: &Running, pattern: &str, wanted: &str) {
    let mut number = 0;
    let seen = eventually(secs(20), || {
        number += 1;
        let asked = pattern.replace('*', &format!("n{number}"));
        async move { address(region, &asked).await.as_deref() == Some(wanted) }
    });
    assert!(seen.await, "{}: {pattern} is {:?}", region.label(), address(region, &pattern.replace('*', "last")).await);
}

/// A folder as the kubelet mounts a ConfigMap: each file is a link into `..data`, which is a link to the newest version.
pub(crate) struct ConfigMap {
    folder: PathBuf,
    versions: usize,
}

impl ConfigMap {
    pub(crate) fn mount(folder: &Path, files: &[(&str, &str)]) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let mut map = Self { folder: folder.to_owned(), versions: 0 };
        map.swap(files);
        for (name, _) in files {
            std::os::unix::fs::symlink(format!("..data/{name}"), folder.join(name)).unwrap();
        }
        map
    }

    /// A new version in one step; the old one is removed.
    pub(crate) fn swap(&mut self, files: &[(&str, &str)]) {
        let at = |version: usize| self.folder.join(format!("..version_{version}"));
        let old = at(self.versions);
        self.versions += 1;
        let new = at(self.versions);
        std::fs::create_dir(&new).unwrap();
        for (name, text) in files {
            std::fs::write(new.join(name), text).unwrap();
        }
        let link = self.folder.join("..data_tmp");
        std::os::unix::fs::symlink(new.file_name().unwrap(), &link).unwrap();
        std::fs::rename(link, self.folder.join("..data")).unwrap();
        if self.versions > 1 {
            std::fs::remove_dir_all(old).unwrap();
        }
    }
}

/// How files are replaced in the field.
pub(crate) enum Editor {
    InPlace,
    RenameOver,
    ConfigMap(ConfigMap),
}

/// A file `name` in `folder`, with its first text, and how it will be edited.
pub(crate) struct Edited {
    path: PathBuf,
    name: String,
    editor: Editor,
}

impl Edited {
    /// One of each kind of editor, each with a file in a folder of its own below this one.
    pub(crate) fn all_kinds(folder: &Path, name: &str, text: &str) -> Vec<Self> {
        ["in-place", "renamed", "configmap"].iter().map(|kind| Self::new(folder, kind, name, text)).collect()
    }

    fn new(folder: &Path, kind: &str, name: &str, text: &str) -> Self {
        let mounted = folder.join(kind);
        let editor = match kind {
            "in-place" => Editor::InPlace,
            "renamed" => Editor::RenameOver,
            _ => Editor::ConfigMap(ConfigMap::mount(&mounted, &[(name, text)])),
        };
        let edited = Self { path: mounted.join(name), name: name.to_owned(), editor };
        if !matches!(edited.editor, Editor::ConfigMap(_)) {
            std::fs::create_dir_all(&mounted).unwrap();
            std::fs::write(&edited.path, text).unwrap();
        }
        edited
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn edit(&mut self, text: &str) {
        match &mut self.editor {
            Editor::InPlace => std::fs::write(&self.path, text).unwrap(),
            Editor::RenameOver => {
                let beside = self.path.with_extension("new~");
                std::fs::write(&beside, text).unwrap();
                std::fs::rename(beside, &self.path).unwrap();
            }
            Editor::ConfigMap(map) => map.swap(&[(&self.name, text)]),
        }
    }
}
