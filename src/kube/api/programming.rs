//! How long the cluster took from a change of pods to our answering with it, as CoreDNS measures it: for headless Services
//! whose slices carry the time of the change.

use std::collections::HashSet;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use parking_lot::Mutex;

use crate::metrics::{Histogram, Sink, names};
use crate::zone::Object;
use crate::zone::object::{Kind, ObjectName, ServiceKind, Slice};

/// CoreDNS's: 1 ms, doubled up to 524 s.
const BUCKETS: i32 = 20;
/// CoreDNS knows this one only: the others are not told apart by what a slice says.
const LABELS: [(&str, &str); 1] = [("service_kind", "headless_with_selector")];

/// What was measured so far, and which Services are headless.
#[derive(Default)]
pub(super) struct Programming {
    headless: Mutex<HashSet<ObjectName>>,
    seen: Mutex<Histogram>,
}

impl Programming {
    /// An object is served from now on.
    pub(super) fn applied(&self, object: &Object) {
        let Object::Service(service) = object else { return };
        let mut headless = self.headless.lock();
        if service.kind == ServiceKind::Headless {
            if !headless.contains(&service.name) {
                headless.insert(service.name.clone());
            }
        } else {
            headless.remove(&service.name);
        }
    }

    /// Another object of that name is another matter.
    pub(super) fn deleted(&self, kind: Kind, name: &ObjectName) {
        if kind == Kind::Service {
            self.headless.lock().remove(name);
        }
    }

    /// A slice came by event, with the time that led to it.
    pub(super) fn slice(&self, slice: &Slice, trigger: &str, since_1970: Duration) {
        let service = ObjectName { namespace: slice.name.namespace.clone(), name: slice.service.clone() };
        if !self.headless.lock().contains(&service) {
            return;
        }
        let Ok(trigger) = trigger.parse::<Timestamp>() else { return };
        let trigger = Duration::try_from(trigger.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default();
        // Clocks differ: what happened in the future took no time.
        self.took(since_1970.saturating_sub(trigger));
    }

    fn took(&self, duration: Duration) {
        let mut seen = self.seen.lock();
        if seen.buckets.is_empty() {
            seen.buckets = (0..BUCKETS).map(|power| (0.001 * 2_f64.powi(power), 0)).collect();
        }
        let seconds = duration.as_secs_f64();
        seen.buckets.iter_mut().filter(|(bound, _)| seconds <= *bound).for_each(|(_, count)| *count += 1);
        seen.count += 1;
        seen.sum += seconds;
    }

    pub(super) fn report(&self, sink: &mut Sink) {
        let seen = self.seen.lock();
        if seen.count == 0 {
            return;
        }
        sink.histogram(names::ZONE_PROGRAMMING, &[], &seen);
        if sink.coredns() {
            sink.histogram(names::COREDNS_KUBERNETES_PROGRAMMING, &LABELS, &seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Registry;
    use crate::zone::object::Service;
    use std::sync::Arc;

    fn service(kind: ServiceKind) -> Object {
        let name = ObjectName::new("shop", "web");
        Object::Service(Service { name, kind, ports: Box::default(), publish_not_ready: false, external: None })
    }

    fn text(programming: Programming) -> String {
        let registry = Registry::new("1", true);
        let programming = Arc::new(programming);
        registry.register_source(move |sink| programming.report(sink));
        registry.encode()
    }

    #[test]
    fn only_headless_services_are_measured() {
        let slice = Slice {
            name: ObjectName::new("shop", "web-abc"),
            service: "web".into(),
            ports: Box::default(),
            endpoints: Box::default(),
        };
        let programming = Programming::default();
        let at = Duration::from_secs(1_790_000_000);
        let trigger = Timestamp::from_second(1_789_999_999).unwrap().to_string();
        programming.slice(&slice, &trigger, at);
        programming.applied(&service(ServiceKind::Headless));
        programming.slice(&slice, &trigger, at);
        programming.slice(&slice, "yesterday", at);
        programming.slice(&slice, &trigger, at - Duration::from_secs(5));
        programming.applied(&service(ServiceKind::ClusterIp(Box::default())));
        programming.slice(&slice, &trigger, at);
        programming.applied(&service(ServiceKind::Headless));
        programming.deleted(Kind::Service, &ObjectName::new("shop", "web"));
        programming.slice(&slice, &trigger, at);
        let text = text(programming);
        let name = "coredns_kubernetes_dns_programming_duration_seconds";
        for line in [
            "_bucket{service_kind=\"headless_with_selector\",le=\"0.001\"} 1",
            "_bucket{service_kind=\"headless_with_selector\",le=\"1.024\"} 2",
            "_bucket{service_kind=\"headless_with_selector\",le=\"524.288\"} 2",
            "_sum{service_kind=\"headless_with_selector\"} 1",
        ] {
            assert!(text.contains(&format!("{name}{line}\n")), "{name}{line}\nis not in\n{text}");
        }
    }
}
