//! Manifests as a source of objects: a file, or a folder of them, as `kubectl get -o yaml` writes and `kubectl apply -f`
//! reads. What is broken costs itself only: an item of a list, else a document, else a file.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::convert::{Converted, convert, kind_of};
use super::lax::{Field, WrongType, mappings};
use super::objects::RawObject;
use super::selection::Selection;
use crate::config::error::one_line;
use crate::config::yaml::{self, Placed};
use crate::limits::Limits;
use crate::zone::object::{Object, ObjectKey};

/// Files of one folder: more is not a folder of manifests.
const MAX_FILES: usize = 1_024;
/// Problems kept of one load; they are for people, and the rest is counted.
const MAX_PROBLEMS: usize = 200;

/// What a path held.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// Each once, in the order of files and documents.
    pub objects: Vec<Object>,
    /// At most 200.
    pub problems: Vec<ManifestProblem>,
    /// Problems beyond those.
    pub more_problems: usize,
    /// Of all bytes that were read; equal bytes, equal hash, within one process.
    pub hash: u64,
    /// Could the path itself be read? If not, the objects say nothing about what there is.
    pub readable: bool,
}

/// Something that was left out, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}{message}", file.display(), At(*.line, *.column))]
pub struct ManifestProblem {
    pub file: PathBuf,
    /// From 1; 0 if it is the whole file.
    pub line: u32,
    /// From 1; 0 if it is the whole file.
    pub column: u32,
    pub message: String,
}

/// A place of a file, unless it is the whole file.
struct At(u32, u32);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str(" ") } else { write!(f, "{}:{}: ", self.0, self.1) }
    }
}

/// Reads a file, or the `.yaml`, `.yml` and `.json` files of a folder in the order of their names. Links are followed, as a
/// mounted ConfigMap needs; hidden files, where it keeps what the links lead to, and folders are not looked into.
#[must_use]
pub fn load(path: &Path, limits: &Limits, selection: &Selection) -> Loaded {
    let (loaded, seen) = (Loaded::default(), HashMap::new());
    let mut loading = Loading { loaded, selection, hasher: DefaultHasher::new(), seen };
    match files(path) {
        Ok(files) => {
            loading.loaded.readable = true;
            if files.len() > MAX_FILES {
                let message =
                    format!("holds {} manifests, and the limit is {MAX_FILES}: the rest is left out", files.len());
                loading.problem(path, 0, 0, message);
            }
            files.iter().take(MAX_FILES).for_each(|file| loading.file(file, limits.manifest_bytes));
        }
        Err(error) => loading.problem(path, 0, 0, format!("cannot be read: {error}")),
    }
    loading.loaded.hash = loading.hasher.finish();
    loading.loaded
}

fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        fs::File::open(path)?;
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or(".");
        let extension = file.extension().and_then(|it| it.to_str()).unwrap_or_default();
        let manifest = matches!(extension, "yaml" | "yml" | "json") && !name.starts_with('.');
        if manifest && !file.is_dir() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

struct Loading<'s> {
    loaded: Loaded,
    selection: &'s Selection,
    hasher: DefaultHasher,
    /// Where each object came from: the index in `objects`.
    seen: HashMap<ObjectKey, usize>,
}

/// What a document says of itself; `items` if it is a list.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Header {
    api_version: Field<String>,
    kind: Field<String>,
    items: Field<Vec<Placed<Field<RawObject>>>>,
}

mappings!(Header);

/// The version and kind that the items of a list have if they do not say.
struct Inherited<'l> {
    version: &'l str,
    kind: &'l str,
}

impl Loading<'_> {
    fn file(&mut self, file: &Path, max: u64) {
        let bytes = match read(file, max) {
            Ok(bytes) => bytes,
            // It went between the listing and the reading.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.problem(file, 0, 0, format!("cannot be read: {error}")),
        };
        self.hasher.write(file.as_os_str().as_encoded_bytes());
        self.hasher.write(&bytes);
        if bytes.len() as u64 > max {
            return self.problem(file, 0, 0, format!("is longer than {max} bytes (limits.manifest_bytes)"));
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) => {
                for document in yaml::split_documents(text) {
                    self.document(file, document);
                }
            }
            Err(error) => {
                let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
                self.problem(file, u32::try_from(line).unwrap_or(u32::MAX), 1, "is not UTF-8 from here on".into());
            }
        }
    }

    fn document(&mut self, file: &Path, document: yaml::Document<'_>) {
        let (text, first) = (document.text, document.first_line);
        let header = match yaml::from_str::<Placed<Field<Header>>>(text, first) {
            Ok(header) => header,
            Err(error) => return self.problem(file, error.line, error.column, error.message),
        };
        let place = (absolute(header.line, first), header.column);
        let header = match header.value {
            Field::Is(header) => header,
            Field::Absent => return,
            Field::Wrong(found) => {
                return self.problem(file, place.0, place.1, format!("expected a Kubernetes object, found {found}"));
            }
        };
        if matches!(header.items, Field::Absent) {
            return match yaml::from_str::<Field<RawObject>>(text, first) {
                Ok(object) => self.object(file, place, &object, &Inherited { version: "", kind: "" }),
                Err(error) => self.problem(file, error.line, error.column, error.message),
            };
        }
        if let Err(wrong) = self.list(file, first, &header) {
            self.problem(file, place.0, place.1, wrong.to_string());
        }
    }

    fn list(&mut self, file: &Path, first: u32, header: &Header) -> Result<(), WrongType> {
        let (version, kind) = (header.api_version.text("apiVersion")?, header.kind.text("kind")?);
        // A `ServiceList` gives its items their kind, a plain `List` does not.
        let kind = kind.strip_suffix("List").unwrap_or_default();
        let inherited = Inherited { version: if kind.is_empty() { "" } else { version }, kind };
        for item in header.items.items("items")? {
            self.object(file, (absolute(item.line, first), item.column), &item.value, &inherited);
        }
        Ok(())
    }

    fn object(&mut self, file: &Path, place: (u32, u32), raw: &Field<RawObject>, inherited: &Inherited<'_>) {
        match self.convert(file, place, raw, inherited) {
            Ok(Some(object)) => self.keep(file, place, object),
            Ok(None) => {}
            Err(message) => self.problem(file, place.0, place.1, message),
        }
    }

    fn convert(
        &mut self,
        file: &Path,
        place: (u32, u32),
        raw: &Field<RawObject>,
        inherited: &Inherited<'_>,
    ) -> Result<Option<Object>, String> {
        let Some(raw) = raw.get("object").map_err(|wrong| wrong.to_string())? else { return Ok(None) };
        let version = raw.api_version.get("apiVersion").map_err(|wrong| wrong.to_string())?;
        let kind = raw.kind.get("kind").map_err(|wrong| wrong.to_string())?;
        let version = version.map_or(inherited.version, String::as_str);
        let kind = kind.map_or(inherited.kind, String::as_str);
        if kind.is_empty() {
            return Err("is no Kubernetes object: it has no `kind`".into());
        }
        let Some(kind) = kind_of(version, kind) else { return Ok(None) };
        let converted = convert(kind, raw, self.selection, &mut |skipped| {
            self.problem(file, place.0, place.1, format!("{}: {}", skipped.object, skipped.reason));
        });
        Ok(match converted {
            Converted::Object(object) => Some(object),
            Converted::Gone(_) => None,
        })
    }

    /// The last of several definitions counts, as with `kubectl apply`.
    fn keep(&mut self, file: &Path, place: (u32, u32), object: Object) {
        let key = object.key();
        if let Some(at) = self.seen.get(&key) {
            self.loaded.objects[*at] = object;
            return self.problem(file, place.0, place.1, format!("{key}: is defined twice; this one counts"));
        }
        self.seen.insert(key, self.loaded.objects.len());
        self.loaded.objects.push(object);
    }

    fn problem(&mut self, file: &Path, line: u32, column: u32, message: String) {
        if self.loaded.problems.len() == MAX_PROBLEMS {
            self.loaded.more_problems += 1;
            return;
        }
        self.loaded.problems.push(ManifestProblem { file: file.to_owned(), line, column, message: one_line(message) });
    }
}

/// At most one byte more than allowed, whatever the length that the file claims.
fn read(file: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(file)?.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A line of the file, from one of a document's.
fn absolute(line: u32, first: u32) -> u32 {
    line.saturating_add(first.saturating_sub(1))
}

#[cfg(test)]
mod tests;
