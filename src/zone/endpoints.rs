//! The ready endpoints of one Service, packed: 150,000 of them must fit into a few megabytes. Names below the Service are
//! put together from these when asked.

use std::collections::HashMap;
use std::net::IpAddr;

use super::address_set::{AddressSet, Place};
use super::dashed;
use super::object::{Service, Slice};
use super::ports::{PortSet, Want};
use super::settings::ZoneSettings;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Endpoints {
    addresses: AddressSet,
    /// The labels of the hosts, each behind its length.
    labels: Box<[u8]>,
    /// In the order of their labels.
    hosts: Box<[Host]>,
    /// The addresses of the hosts, host by host.
    links: Box<[Place]>,
    /// Who has an address, in the order of the addresses.
    owners: Box<[AddressOwner]>,
    /// The port sets that hosts have, with how many hosts have each.
    sets: Box<[(PortSet, u32)]>,
}

/// An endpoint name: everything that has one hostname is one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Host {
    label: u32,
    /// Its first link; they end where those of the next host start.
    links: u32,
    set: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AddressOwner {
    pub(super) place: Place,
    pub(super) host: u32,
}

/// One address of one endpoint, while the hosts are made.
struct Member {
    /// The label's first octets, which decide most comparisons.
    prefix: u128,
    label: (u32, u8),
    address: IpAddr,
    set: u32,
}

impl Endpoints {
    /// From all slices of the Service: an address or a host that is in several of them is one.
    pub(super) fn new(service: &Service, slices: &[Slice], settings: &ZoneSettings) -> Self {
        let mut sets = Sets::default();
        let mut text = Vec::new();
        let mut members = Vec::new();
        for slice in slices {
            let set = sets.intern(PortSet::new(&slice.ports));
            for endpoint in slice.endpoints.iter().filter(|it| it.ready || service.publish_not_ready) {
                let pod = endpoint.pod.as_deref().filter(|_| settings.endpoint_pod_names);
                let start = text.len() as u32;
                match endpoint.hostname.as_deref().or(pod) {
                    Some(name) => text.extend_from_slice(name.as_bytes()),
                    None => dashed::write_label(endpoint.address, &mut text),
                }
                let label = &text[start as usize..];
                let (prefix, label) = (prefix_of(label), (start, label.len() as u8));
                members.push(Member { prefix, label, address: endpoint.address, set });
            }
        }
        let label = |member: &Member| &text[member.label.0 as usize..][..usize::from(member.label.1)];
        members.sort_unstable_by(|a, b| {
            a.prefix.cmp(&b.prefix).then_with(|| (label(a), a.address, a.set).cmp(&(label(b), b.address, b.set)))
        });
        let mut addresses: Vec<IpAddr> = members.iter().map(|member| member.address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let addresses = AddressSet::new(&addresses, settings.ttl);
        let mut packed = Packed::default();
        for members in members.chunk_by(|a, b| label(a) == label(b)) {
            let set = sets.of_host(members);
            packed.host(label(&members[0]), set, members.iter().filter_map(|member| addresses.place(member.address)));
        }
        packed.finish(addresses, &sets)
    }

    #[inline]
    pub(super) fn addresses(&self) -> &AddressSet {
        &self.addresses
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// How many hosts; they are numbered from 0.
    pub(super) fn hosts(&self) -> usize {
        self.hosts.len()
    }

    /// The host with this label.
    pub(super) fn host(&self, label: &[u8]) -> Option<usize> {
        self.hosts.binary_search_by(|host| self.text(host)[1..].cmp(label)).ok()
    }

    /// A host's label, its length in front.
    pub(super) fn label(&self, host: usize) -> &[u8] {
        self.text(&self.hosts[host])
    }

    /// A host's addresses, in order.
    pub(super) fn places(&self, host: usize) -> &[Place] {
        let end = self.hosts.get(host + 1).map_or(self.links.len(), |next| next.links as usize);
        &self.links[self.hosts[host].links as usize..end]
    }

    /// Which of the port sets a host has.
    pub(super) fn set(&self, host: usize) -> usize {
        self.hosts[host].set as usize
    }

    /// A host's ports.
    pub(super) fn ports(&self, host: usize) -> &PortSet {
        &self.sets[self.set(host)].0
    }

    /// Each port set, and how many hosts have it.
    pub(super) fn sets(&self) -> &[(PortSet, u32)] {
        &self.sets
    }

    /// How many ports, host by host, are wanted.
    pub(super) fn wanted(&self, want: Want<'_>) -> usize {
        self.sets.iter().map(|(ports, hosts)| ports.wanted(want).count() * *hosts as usize).sum()
    }

    /// All addresses with their hosts, in the order of the addresses.
    pub(super) fn owners(&self) -> &[AddressOwner] {
        &self.owners
    }

    /// The hosts that have an address.
    pub(super) fn owners_of(&self, address: IpAddr) -> &[AddressOwner] {
        let Some(place) = self.addresses.place(address) else { return &[] };
        let start = self.owners.partition_point(|owner| owner.place < place);
        let end = self.owners.partition_point(|owner| owner.place <= place);
        &self.owners[start..end]
    }

    fn text(&self, host: &Host) -> &[u8] {
        let at = host.label as usize;
        &self.labels[at..=at + usize::from(self.labels[at])]
    }
}

/// Padded with zeros, which no label holds: prefixes compare as labels do, as far as they go.
fn prefix_of(label: &[u8]) -> u128 {
    let mut prefix = [0; 16];
    let len = label.len().min(prefix.len());
    prefix[..len].copy_from_slice(&label[..len]);
    u128::from_be_bytes(prefix)
}

/// Port sets by number.
#[derive(Default)]
struct Sets {
    all: Vec<PortSet>,
    numbers: HashMap<PortSet, u32>,
}

impl Sets {
    fn intern(&mut self, set: PortSet) -> u32 {
        if let Some(number) = self.numbers.get(&set) {
            return *number;
        }
        let number = self.all.len() as u32;
        self.all.push(set.clone());
        self.numbers.insert(set, number);
        number
    }

    /// The ports of a host: those of all slices that it is in.
    fn of_host(&mut self, members: &[Member]) -> u32 {
        let mut numbers: Vec<u32> = members.iter().map(|member| member.set).collect();
        numbers.sort_unstable();
        numbers.dedup();
        match *numbers {
            [one] => one,
            _ => self.intern(PortSet::union(numbers.iter().map(|number| &self.all[*number as usize]))),
        }
    }
}

#[derive(Default)]
struct Packed {
    labels: Vec<u8>,
    hosts: Vec<Host>,
    links: Vec<Place>,
    owners: Vec<AddressOwner>,
}

impl Packed {
    fn host(&mut self, label: &[u8], set: u32, places: impl Iterator<Item = Place>) {
        let (number, links) = (self.hosts.len() as u32, self.links.len());
        self.hosts.push(Host { label: self.labels.len() as u32, links: links as u32, set });
        self.labels.push(label.len() as u8);
        self.labels.extend_from_slice(label);
        for place in places {
            if self.links[links..].last() != Some(&place) {
                self.links.push(place);
                self.owners.push(AddressOwner { place, host: number });
            }
        }
    }

    /// The sets that hosts have are numbered in the order of the hosts, so that equal endpoints are equal whatever slices
    /// they came in.
    fn finish(mut self, addresses: AddressSet, sets: &Sets) -> Endpoints {
        self.owners.sort_unstable_by_key(|owner| (owner.place, owner.host));
        let mut numbers = vec![None; sets.all.len()];
        let mut used: Vec<(PortSet, u32)> = Vec::new();
        for host in &mut self.hosts {
            let old = host.set as usize;
            host.set = *numbers[old].get_or_insert_with(|| {
                used.push((sets.all[old].clone(), 0));
                used.len() as u32 - 1
            });
            used[host.set as usize].1 += 1;
        }
        Endpoints {
            addresses,
            labels: self.labels.into(),
            hosts: self.hosts.into(),
            links: self.links.into(),
            owners: self.owners.into(),
            sets: used.into(),
        }
    }
}
