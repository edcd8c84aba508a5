//! Who counts what, for each door: tasks share one recorder for each protocol and family, a worker thread gets one of its own.

use std::net::IpAddr;
use std::sync::Arc;

use crate::metrics::{Door as Counted, Family, Proto, Recorder, Registry, SharedRecorder};
use crate::route::Door;

/// The recorders of all doors.
pub struct Recorders {
    metrics: Arc<Registry>,
    /// Server by server, the peers' door last: the label, and UDP and TCP of both families.
    doors: Vec<(Arc<str>, [SharedRecorder; 4])>,
}

impl Recorders {
    /// `labels` are those of the servers, and last that of the peers' door: `dns://:53`.
    pub fn new(metrics: &Arc<Registry>, labels: impl IntoIterator<Item = String>) -> Self {
        let doors = labels.into_iter().map(|label| {
            let label: Arc<str> = label.into();
            let shared = [Proto::Udp, Proto::Tcp].map(|proto| {
                [Family::V4, Family::V6].map(|family| {
                    let server = Arc::clone(&label);
                    metrics.shared_recorder(Counted { server, proto, family })
                })
            });
            let [[udp4, udp6], [tcp4, tcp6]] = shared;
            (label, [udp4, udp6, tcp4, tcp6])
        });
        Self { doors: doors.collect(), metrics: Arc::clone(metrics) }
    }

    fn door(&self, door: Door) -> &(Arc<str>, [SharedRecorder; 4]) {
        match door {
            Door::Pods { server } => &self.doors[server],
            Door::Peers => &self.doors[self.doors.len() - 1],
        }
    }

    /// For a worker thread.
    pub fn worker(&self, door: Door, family: Family) -> Recorder {
        let server = Arc::clone(&self.door(door).0);
        self.metrics.recorder(Counted { server, proto: Proto::Udp, family })
    }

    /// For tasks.
    pub fn of(&self, door: Door, proto: Proto, source: IpAddr) -> &SharedRecorder {
        let place = usize::from(proto == Proto::Tcp) * 2 + usize::from(source.is_ipv6());
        &self.door(door).1[place]
    }
}
