//! From a name to its records, written straight into the reply: which form the name has, and which file answers it. No heap,
//! no lock. Names come in lower case.

use super::form::Form;
use super::origin::{Origin, soa_names, soa_numbers};
use super::ports::{Want, protocol_of};
use super::record::{ServiceAnswer, ServiceRecord};
use super::snapshot::Snapshot;
use crate::wire::reply::{Owner, Section};
use crate::wire::{HEADER_LEN, Name, NameBuf, NameRef, ReplyWriter, rtype};

/// What came of a lookup. Records are in the reply already; a denial has its SOA record there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'s> {
    Answer,
    NoData(Absent),
    NxDomain(Absent),
    /// A CNAME record is written; whoever asked looks for the target.
    Alias {
        target: &'s Name,
        /// Where the target stands in the message, uncompressed: the owner of what comes next. Zero if nothing fits any more.
        at: usize,
    },
    /// The zone has not been read yet, or not under this origin.
    NotReady,
    /// No address of ours, or one whose names are not for this asker. Nothing is written.
    NotOwn,
}

/// Which part is missing, of a name that does not exist or has no such records. For people who ask why: no answer depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// The name has none of the forms that the zone knows.
    Form,
    /// The name is there, for others below it.
    Between,
    Namespace,
    /// A Service, or the namespace that it would be in.
    Service,
    /// A headless Service is there, and none of its endpoints is ready.
    ReadyEndpoint,
    /// No ready endpoint of the Service is called so.
    Endpoint,
    Port,
    /// A pod with this address, or the label is no address.
    Pod,
    /// The Service has no load balancer.
    External,
    /// `kubernetes.pods` is `disabled`.
    Pods,
    /// The name is there without records of this type.
    Type,
}

/// One lookup.
pub(super) struct Ask<'s, 'a, 'w, 'b> {
    pub(super) zone: &'s Snapshot,
    pub(super) origin: &'s Origin,
    pub(super) name: &'a NameBuf,
    pub(super) owner: Owner<'a>,
    pub(super) qtype: u16,
    pub(super) writer: &'w mut ReplyWriter<'b>,
    /// Which record comes first, of those that have no order.
    pub(super) rotation: usize,
}

impl Snapshot {
    /// Looks a name up that ends in the origin with this number. `name` is the question's, or where a CNAME led; `owner`
    /// says where it stands in the reply: [`Owner::Question`] or [`Owner::At`].
    #[inline]
    pub fn lookup<'s>(
        &'s self,
        origin: usize,
        name: &NameBuf,
        owner: Owner<'_>,
        qtype: u16,
        writer: &mut ReplyWriter<'_>,
        rotation: usize,
    ) -> Found<'s> {
        // Routes and zones are swapped one after the other, so for a moment an origin may be unknown here.
        let Some(origin) = self.origins.get(origin).filter(|_| self.synced) else {
            let number = origin.saturating_sub(self.origins.len());
            return self.lookup_external(number, name, owner, qtype, writer, rotation);
        };
        let Some(labels) = origin.labels_before(name) else { return Found::NotReady };
        let mut ask = Ask { zone: self, origin, name, owner, qtype, writer, rotation };
        let found = ask.answer(labels);
        if matches!(found, Found::NoData(_) | Found::NxDomain(_)) {
            ask.push_denial();
        }
        found
    }

    /// Writes the SOA record of a denial for a zone of somebody else's naming: a reverse zone, or one below an origin. Its
    /// data names the first origin.
    pub fn push_soa(&self, writer: &mut ReplyWriter<'_>, zone: Owner<'_>) {
        let Some(origin) = self.origins.first() else { return };
        let tail = origin.name.as_ref().wire();
        push_soa(self, origin.name.as_ref(), tail, zone, Section::Authority, writer);
    }
}

impl<'s> Ask<'s, '_, '_, '_> {
    /// `labels` stand in front of the origin. The forms are those of the Kubernetes DNS specification 1.1.0 and what
    /// CoreDNS adds to them; a name between an existing one and the origin exists too, without data (RFC 8020 2).
    #[inline]
    fn answer(&mut self, labels: usize) -> Found<'s> {
        match Form::of(self.name, labels) {
            Form::Apex => self.apex(),
            Form::Between => Found::NoData(Absent::Between),
            Form::Namespace { namespace } => self.namespace(namespace),
            Form::Service { namespace, service, below } => self.below_namespace(namespace, service, below),
            Form::Pod { namespace, label } => self.pod(namespace, label),
            Form::NameServer => self.name_server(),
            Form::Version => self.version(),
            Form::Unknown => Found::NxDomain(Absent::Form),
        }
    }

    fn namespace(&self, label: &[u8]) -> Found<'s> {
        match self.has_namespace(label) {
            true => Found::NoData(Absent::Between),
            false => Found::NxDomain(Absent::Namespace),
        }
    }

    pub(super) fn has_namespace(&self, label: &[u8]) -> bool {
        std::str::from_utf8(label).is_ok_and(|name| self.zone.namespace_exists(name))
    }

    #[inline]
    fn below_namespace(&mut self, namespace: &[u8], service: &[u8], below: usize) -> Found<'s> {
        let Some(record) = self.zone.service(namespace, service) else { return Found::NxDomain(Absent::Service) };
        match below {
            0 => self.service(record),
            1 => self.below_service(record),
            _ => match Want::named(self.name.label(0), self.name.label(1)) {
                Some(want) => self.port(record, want),
                None => Found::NxDomain(Absent::Form),
            },
        }
    }

    /// The Service's own name.
    #[inline]
    fn service(&mut self, record: &'s ServiceRecord) -> Found<'s> {
        match &record.answer {
            ServiceAnswer::ClusterIp { addresses, ports } => match self.qtype {
                rtype::SRV => self.cluster_srv(record, addresses, ports, Want::Every),
                _ => self.push_addresses(addresses),
            },
            // "There must be no record" then: the name does not exist (specification 2.4.1).
            ServiceAnswer::Headless if record.endpoints.is_empty() => Found::NxDomain(Absent::ReadyEndpoint),
            ServiceAnswer::Headless => match self.qtype {
                rtype::SRV => self.endpoint_srv(record, Want::Every),
                _ => self.push_addresses(record.endpoints.addresses()),
            },
            ServiceAnswer::ExternalName(target) => self.alias(target),
        }
    }

    /// One label before a Service: an endpoint, or the empty `_protocol`.
    fn below_service(&mut self, record: &'s ServiceRecord) -> Found<'s> {
        let label = self.name.label(0);
        if let Some(host) = record.endpoints.host(label) {
            return match self.qtype {
                rtype::SRV => self.host_srv(record, host),
                _ => self.push_host(record, host),
            };
        }
        let Some(protocol) = protocol_of(label) else { return Found::NxDomain(Absent::Endpoint) };
        let exists = match &record.answer {
            ServiceAnswer::ClusterIp { ports, .. } => ports.names_protocol(protocol),
            ServiceAnswer::Headless => record.endpoints.sets().iter().any(|set| set.0.names_protocol(protocol)),
            ServiceAnswer::ExternalName(_) => false,
        };
        if exists { Found::NoData(Absent::Between) } else { Found::NxDomain(Absent::Port) }
    }

    /// `_port._protocol` before a Service: SRV, and as with CoreDNS the addresses.
    fn port(&mut self, record: &'s ServiceRecord, want: Want<'_>) -> Found<'s> {
        let srv = matches!(self.qtype, rtype::SRV | rtype::ANY);
        match &record.answer {
            ServiceAnswer::ClusterIp { ports, .. } if ports.wanted(want).next().is_none() => {
                Found::NxDomain(Absent::Port)
            }
            ServiceAnswer::ClusterIp { addresses, ports } if srv => self.cluster_srv(record, addresses, ports, want),
            ServiceAnswer::ClusterIp { addresses, .. } => self.push_addresses(addresses),
            ServiceAnswer::Headless if record.endpoints.wanted(want) == 0 => Found::NxDomain(Absent::Port),
            ServiceAnswer::Headless if srv => self.endpoint_srv(record, want),
            ServiceAnswer::Headless => self.push_hosts_with(record, want),
            ServiceAnswer::ExternalName(_) => Found::NxDomain(Absent::Port),
        }
    }

    /// A CNAME goes with every type that is asked (RFC 1034 3.6.2).
    fn alias(&mut self, target: &'s Name) -> Found<'s> {
        let data = target.as_ref().wire();
        let at = self.writer.push(Section::Answer, self.owner, rtype::CNAME, self.zone.ttl, &[data]);
        match self.qtype {
            rtype::CNAME | rtype::ANY => Found::Answer,
            _ => Found::Alias { target, at: at.unwrap_or(0) },
        }
    }

    /// The SOA record of a denial, "to indicate how long the negative answer may be cached" (RFC 2308 3).
    fn push_denial(&mut self) {
        let zone = self.origin.name.as_ref();
        if matches!(self.owner, Owner::Question) {
            let place = HEADER_LEN + self.name.suffix_offset(self.origin.labels);
            let tail = (0xc000 | place as u16).to_be_bytes();
            push_soa(self.zone, zone, &tail, Owner::At(place), Section::Authority, self.writer);
        } else {
            push_soa(self.zone, zone, zone.wire(), Owner::Name(zone), Section::Authority, self.writer);
        }
    }
}

/// Writes an SOA record; `tail` is `origin` as it stands in the data.
pub(super) fn push_soa(
    zone: &Snapshot,
    origin: NameRef<'_>,
    tail: &[u8],
    owner: Owner<'_>,
    section: Section,
    writer: &mut ReplyWriter<'_>,
) {
    let numbers = soa_numbers(zone.serial, zone.ttl);
    let [ns, ns_tail, mailbox, mailbox_tail] = soa_names(origin, tail);
    writer.push(section, owner, rtype::SOA, zone.ttl, &[ns, ns_tail, mailbox, mailbox_tail, &numbers]);
}
