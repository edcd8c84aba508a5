//! The cluster's records: built from Kubernetes objects, looked up without allocation, replaced as a whole. Pure: no I/O,
//! no clock, no configuration files. Records are kept relative to the origin, so that any number of origins serve them.

mod address;
mod address_set;
mod apex;
pub mod builder;
mod dashed;
mod digest;
mod endpoints;
mod external;
mod form;
pub mod lookup;
pub mod object;
mod origin;
mod pod_index;
mod pod_names;
mod ports;
pub mod ptr;
mod record;
mod reverse_index;
mod settings;
pub mod snapshot;
mod srv;
mod store;
mod subject;
mod table;

pub use builder::Builder;
pub use lookup::{Absent, Found};
pub use object::{Event, Object, ObjectKey};
pub use ptr::ReverseView;
pub use settings::ZoneSettings;
pub use snapshot::Snapshot;
pub use subject::{ServiceKind, ServiceSubject, Subject};
