//! Kubernetes objects: any text is manifests or is refused, its objects make a zone, and the zone answers within bounds.
//!
//! Input: the text of a manifest file.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use interlocal::config::PodMode;
use interlocal::kube::Selection;
use interlocal::kube::manifests::{self, Loaded};
use interlocal::limits::Limits;
use interlocal::wire::reply::{Owner, ReplyWriter, Verdict};
use interlocal::wire::reverse;
use interlocal::wire::{Flags, Incoming, Name, NameBuf, Query, Rcode, rtype};
use interlocal::zone::object::ServiceKind;
use interlocal::zone::{Builder, Event, Found, Object, ReverseView, Snapshot, ZoneSettings};

use super::reading;

/// Objects looked up by name; more of them are more of the same.
const ASKED: usize = 6;
const TYPES: [u16; 6] = [rtype::A, rtype::AAAA, rtype::SRV, rtype::PTR, rtype::TXT, rtype::ANY];
const ORIGINS: [&str; 2] = ["cluster.local", "east.mesh"];

pub fn run(data: &[u8]) {
    let loaded = load(data);
    let lines = reading::lines(&String::from_utf8_lossy(data));
    assert!(loaded.readable && loaded.problems.len() <= 200);
    for problem in &loaded.problems {
        assert!(problem.line as usize <= lines, "{lines} lines: {problem}");
        assert!(problem.to_string().len() < 4_096 && !problem.message.contains(char::is_control), "{problem:?}");
    }
    let mut builder = builder(loaded.objects.iter());
    let zone = builder.publish(1).expect("the first one");
    let backwards = self::builder(loaded.objects.iter().rev()).publish(1).expect("the first one");
    assert_eq!((zone.hash, zone.counts), (backwards.hash, backwards.counts), "whatever the order");
    for object in loaded.objects.iter().take(ASKED) {
        questions(object).iter().flatten().for_each(|name| ask(&zone, name));
        addresses(object).into_iter().take(ASKED).for_each(|address| ask_reverse(&zone, address));
    }
    for object in &loaded.objects {
        builder.apply(Event::Delete(object.key()));
    }
    if let Some(empty) = builder.publish(2) {
        assert_eq!((empty.hash, empty.counts), Default::default(), "what is deleted leaves nothing behind");
    }
}

/// The objects of a text, by way of a file, as the program reads them.
pub(crate) fn load(text: &[u8]) -> Loaded {
    static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
        // In memory where there is such a place: libFuzzer writes it some thousand times a second.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        folder.expect("a folder for temporary files").keep().join("manifests.yaml")
    });
    std::fs::write(&*FILE, text).expect("a temporary file can be written");
    let selection = Selection { pod_names: true, ..Selection::default() };
    manifests::load(&FILE, &Limits::default(), &selection)
}

fn builder<'o>(objects: impl Iterator<Item = &'o Object>) -> Builder {
    let origins = ORIGINS.map(|origin| origin.parse().expect("a name")).into();
    let mut builder = Builder::new(ZoneSettings {
        origins,
        ttl: 5,
        pods: PodMode::Verified,
        only_known_namespaces: false,
        endpoint_pod_names: true,
        ignore_empty_services: false,
        externals: Vec::new(),
    });
    objects.for_each(|object| builder.apply(Event::Apply(object.clone())));
    builder.mark_synced();
    builder
}

/// Names that lead to the object, relative to the origin; none if one would be too long.
fn questions(object: &Object) -> Vec<Option<Name>> {
    let key = object.key();
    let (namespace, name) = (&key.name.namespace, &key.name.name);
    let texts = match object {
        Object::Namespace(_) => vec![format!("{name}.svc"), format!("1-2-3-4.{name}.pod"), "ns.dns".into()],
        Object::Service(_) => {
            vec![
                format!("{name}.{namespace}.svc"),
                format!("_http._tcp.{name}.{namespace}.svc"),
                format!("{namespace}.svc"),
            ]
        }
        Object::Slice(slice) => {
            let hosts = slice.endpoints.iter().take(2).flat_map(|one| {
                let dashed = one.address.to_string().replace(['.', ':'], "-");
                [Some(dashed), one.hostname.as_deref().map(str::to_owned), one.pod.as_deref().map(str::to_owned)]
            });
            let service = &slice.service;
            hosts.flatten().map(|host| format!("{host}.{service}.{namespace}.svc")).collect()
        }
        Object::Pod(pod) => {
            let dashed = |address: &IpAddr| address.to_string().replace(['.', ':'], "-");
            pod.addresses.iter().take(2).map(|address| format!("{}.{namespace}.pod", dashed(address))).collect()
        }
    };
    texts.iter().map(|text| text.parse().ok()).collect()
}

fn addresses(object: &Object) -> Vec<IpAddr> {
    match object {
        Object::Service(service) => match &service.kind {
            ServiceKind::ClusterIp(addresses) => addresses.to_vec(),
            _ => Vec::new(),
        },
        Object::Slice(slice) => slice.endpoints.iter().map(|endpoint| endpoint.address).collect(),
        Object::Pod(pod) => pod.addresses.to_vec(),
        Object::Namespace(_) => Vec::new(),
    }
}

fn ask(zone: &Snapshot, relative: &Name) {
    for (number, origin) in ORIGINS.iter().enumerate() {
        let origin: Name = origin.parse().expect("a name");
        let mut name = NameBuf::from(relative.as_ref());
        if name.extend(origin.as_ref()).is_err() {
            continue;
        }
        for (at, qtype) in TYPES.into_iter().enumerate() {
            look(&name, qtype, [512, 1_232, 65_535][at % 3], |query, writer| {
                match zone.lookup(number, query.name, Owner::Question, qtype, writer, at) {
                    Found::NotReady | Found::NotOwn => panic!("a synced zone answers under its origins"),
                    Found::Alias { target, at } => {
                        let mut written = NameBuf::new();
                        let read = at == 0 || written.read_plain(writer.written(), at).is_ok();
                        assert!(
                            read && (at == 0 || written.as_ref() == target.as_ref()),
                            "the target stands where it is said to"
                        );
                    }
                    _ => {}
                }
            });
        }
    }
}

fn ask_reverse(zone: &Snapshot, address: IpAddr) {
    let name = NameBuf::from(reverse::name_of(address).as_ref());
    let (own, mesh) = (["east.svc.cluster.local".parse().expect("a name")], "east.mesh".parse().expect("a name"));
    for view in [ReverseView::Cluster, ReverseView::Region { zones: &own, mesh: Some(&mesh) }] {
        look(&name, rtype::PTR, 512, |_, writer| {
            zone.reverse(address, view, Owner::Question, rtype::PTR, writer);
        });
    }
}

/// Asks as a door does, and has hickory read the reply.
fn look(name: &NameBuf, qtype: u16, max: usize, find: impl FnOnce(&Query<'_>, &mut ReplyWriter<'_>)) {
    let mut message = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0".to_vec();
    message.extend_from_slice(name.as_ref().wire());
    message.extend_from_slice(&qtype.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    let mut buf = NameBuf::new();
    let Incoming::Query(query) = Query::parse(&message, &mut buf) else { panic!("a question") };
    let mut out = vec![0; max];
    let mut writer = ReplyWriter::start(&mut out, &query, max);
    find(&query, &mut writer);
    let len = writer.finish(&query, Verdict { rcode: Rcode::NOERROR, flags: Flags::AA, ede: None, option: None });
    reading::reply(&message, &out[..len], max);
}
