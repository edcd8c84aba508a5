//! A whole list, by stream or by pages: all of it or nothing.

use tokio::time::timeout;

use super::access::Access;
use super::failure::Failure;
use super::lines::Lines;
use super::message::{Message, Page};
use super::resource::Resource;
use super::served::{Listing, Served};
use super::settings::Settings;
use crate::kube::Selection;
use crate::kube::convert::{self, Converted, Skipped};
use crate::kube::objects::RawObject;

/// All there was at one version.
pub(super) struct Listed {
    pub(super) version: String,
    pub(super) objects: Listing,
}

/// What a list is read with.
pub(super) struct Reading<'r, S> {
    pub(super) resource: &'static Resource,
    pub(super) settings: &'r Settings,
    pub(super) selection: &'r Selection,
    /// What need not be kept of it.
    pub(super) served: &'r Served,
    pub(super) skipped: S,
}

/// Reads the first part of a streamed list, up to its end; what follows on the same lines is a watch.
pub(super) async fn streamed(
    lines: &mut Lines,
    mut reading: Reading<'_, impl FnMut(Skipped) + Send>,
) -> Result<Listed, Failure> {
    let (settings, kind) = (reading.settings, reading.resource.kind);
    let read = async {
        let mut objects = Listing::default();
        loop {
            // A pause means that the server does not know how to end it: what it sends next would be events.
            let line = timeout(settings.list_silence, lines.next());
            let line = line.await.map_err(|_| Failure::Endless(settings.list_silence))??;
            let line = line.ok_or_else(|| Failure::Broken("in the middle of a list".into()))?;
            match Message::read(line)? {
                Message::Changed(raw) => reading.keep(&raw, &mut objects),
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
    mut reading: Reading<'_, impl FnMut(Skipped) + Send>,
) -> Result<Listed, Failure> {
    let (settings, resource) = (reading.settings, reading.resource);
    let mut objects = Listing::default();
    let (mut token, mut version) = (None, None);
    loop {
        let reply = access.list(resource, settings.page_size, token.take()).await?;
        let page = Page::read(&reply.whole(settings.page, settings.list_silence).await?)?;
        for raw in page.objects() {
            match raw {
                Some(raw) => reading.keep(raw, &mut objects),
                None => {
                    let reason = "an item that is no object".into();
                    (reading.skipped)(Skipped { object: resource.name.into(), reason });
                }
            }
        }
        // Pages are of one version. Should a later one be newer, what changed in earlier ones is told by a watch from here.
        let version = version.get_or_insert_with(|| page.version().to_owned());
        match page.token() {
            Some(next) => token = Some(next.to_owned()),
            None => return Ok(Listed { version: std::mem::take(version), objects }),
        }
    }
}

/// The version at which the server is now. One object is the least that can be asked for.
pub(super) async fn version_now(access: &Access, resource: &Resource, settings: &Settings) -> Result<String, Failure> {
    let reply = access.list(resource, 1, None).await?;
    let page = Page::read(&reply.whole(settings.line, settings.list_silence).await?)?;
    Ok(page.version().to_owned())
}

impl<S: FnMut(Skipped)> Reading<'_, S> {
    fn keep(&mut self, raw: &RawObject, objects: &mut Listing) {
        match convert::convert(self.resource.kind, raw, self.selection, &mut self.skipped) {
            Converted::Object(object) => objects.keep(object, self.served),
            Converted::Gone(Some(key)) => objects.remove(&key.name),
            Converted::Gone(None) => {}
        }
    }
}
