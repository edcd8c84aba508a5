//! A whole list, by stream or by pages: all of it or nothing.

use std::collections::HashMap;

use tokio::time::timeout;

use super::access::Access;
use super::failure::Failure;
use super::lines::Lines;
use super::message::{Message, Page};
use super::resource::Resource;
use super::settings::Settings;
use crate::kube::convert::{self, Converted, Skipped};
use crate::kube::objects::RawObject;
use crate::zone::Object;
use crate::zone::object::{Kind, ObjectName};

/// All there was at one version.
pub(super) struct Listed {
    pub(super) version: String,
    pub(super) objects: HashMap<ObjectName, Object>,
}

/// Reads the first part of a streamed list, up to its end; what follows on the same lines is a watch.
pub(super) async fn streamed(
    lines: &mut Lines,
    kind: Kind,
    settings: &Settings,
    skipped: &mut (impl FnMut(Skipped) + Send),
) -> Result<Listed, Failure> {
    let read = async {
        let mut objects = HashMap::new();
        loop {
            // A pause means that the server does not know how to end it: what it sends next would be events.
            let line = timeout(settings.list_silence, lines.next());
            let line = line.await.map_err(|_| Failure::Endless(settings.list_silence))??;
            let line = line.ok_or_else(|| Failure::Broken("in the middle of a list".into()))?;
            match Message::read(line)? {
                Message::Changed(raw) => keep(kind, &raw, &mut objects, skipped),
                Message::Deleted(raw) => {
                    if let Some(key) = convert::key(kind, &raw) {
                        objects.remove(&key.name);
                    }
                }
                Message::Bookmark { version: Some(version), whole: true } => return Ok(Listed { version, objects }),
                Message::Bookmark { .. } | Message::Other => {}
                Message::Refused(refusal) => return Err(Failure::Refused(refusal)),
            }
        }
    };
    timeout(settings.streamed_list, read).await.unwrap_or(Err(Failure::Endless(settings.streamed_list)))
}

/// Asks for page after page. Any page that fails fails the list: half a list would be names that are gone.
pub(super) async fn paged(
    access: &Access,
    resource: &Resource,
    settings: &Settings,
    skipped: &mut (impl FnMut(Skipped) + Send),
) -> Result<Listed, Failure> {
    let mut objects = HashMap::new();
    let mut token = None;
    loop {
        let reply = access.list(resource, settings.page_size, token.take()).await?;
        let page = Page::read(&reply.whole(settings.page, settings.list_silence).await?)?;
        for raw in page.objects() {
            match raw {
                Some(raw) => keep(resource.kind, raw, &mut objects, skipped),
                None => skipped(Skipped { object: resource.name.into(), reason: "an item that is no object".into() }),
            }
        }
        match page.token() {
            Some(next) => token = Some(next.to_owned()),
            None => return Ok(Listed { version: page.version().to_owned(), objects }),
        }
    }
}

/// The version at which the server is now. One object is the least that can be asked for.
pub(super) async fn version_now(access: &Access, resource: &Resource, settings: &Settings) -> Result<String, Failure> {
    let reply = access.list(resource, 1, None).await?;
    let page = Page::read(&reply.whole(settings.line, settings.list_silence).await?)?;
    Ok(page.version().to_owned())
}

fn keep(kind: Kind, raw: &RawObject, objects: &mut HashMap<ObjectName, Object>, skipped: &mut impl FnMut(Skipped)) {
    match convert::convert(kind, raw, skipped) {
        Converted::Object(object) => drop(objects.insert(object.key().name, object)),
        Converted::Gone(Some(key)) => drop(objects.remove(&key.name)),
        Converted::Gone(None) => {}
    }
}
