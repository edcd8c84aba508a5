//! Host names of peers' endpoints, resolved by hickory-resolver, whose only connection is to our own forward clients: each
//! question, of a CNAME's target too, goes to the zone that owns its name. Never to a peer, never to our own zone, no cache.

use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, DnsResponseStream};
use hickory_resolver::proto::op::{DnsRequest, DnsResponse};
use hickory_resolver::{ConnectionProvider, PoolContext, Resolver};
use parking_lot::RwLock;

use super::client::ForwardClient;
use crate::peer::resolve::{Looking, Resolve, Resolved};
use crate::wire::exchange::Question;
use crate::wire::{Flags, Name, NameBuf};

/// Longer than the forward clients' own deadline, which ends each question.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Resolves host names through the forward routes.
pub struct HostLookup {
    routes: Routes,
    resolver: Result<Resolver<Routes>, String>,
}

/// The forward clients, as a connection of hickory's.
#[derive(Clone, Default)]
struct Routes {
    through: Arc<RwLock<Through>>,
    provider: TokioRuntimeProvider,
}

#[derive(Default)]
struct Through {
    clients: Vec<Arc<ForwardClient>>,
    stamp: Vec<u8>,
}

impl HostLookup {
    /// Through these clients: the stub zones and `.`. `stamp` is our own path of one cluster, for stub zones.
    #[must_use]
    pub fn new(clients: Vec<Arc<ForwardClient>>, stamp: Vec<u8>) -> Self {
        let routes = Routes::default();
        // One server that stands for all: the address is never used, each question finds its own servers.
        let server = NameServerConfig::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), true, vec![ConnectionConfig::udp()]);
        let mut options = ResolverOpts::default();
        options.cache_size = 0;
        options.attempts = 0;
        options.timeout = TIMEOUT;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.use_hosts_file = ResolveHosts::Never;
        options.edns0 = true;
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let resolver = Resolver::builder_with_config(config, routes.clone()).with_options(options).build();
        let lookup = Self { routes, resolver: resolver.map_err(|error| error.to_string()) };
        lookup.update(clients, stamp);
        lookup
    }

    /// At a reload, and when our cluster's id becomes known.
    pub fn update(&self, clients: Vec<Arc<ForwardClient>>, stamp: Vec<u8>) {
        *self.routes.through.write() = Through { clients, stamp };
    }
}

impl Resolve for HostLookup {
    fn lookup<'l>(&'l self, name: &'l Name) -> Looking<'l> {
        Box::pin(async move {
            let resolver = self.resolver.as_ref().map_err(Clone::clone)?;
            let mut text = name.to_string();
            if !text.ends_with('.') {
                text.push('.');
            }
            let found = resolver.lookup_ip(text).await.map_err(|error| plain_words(&error))?;
            let ttl = found.as_lookup().answers().iter().map(|record| record.ttl).min().unwrap_or(0);
            Ok(Resolved { addresses: found.iter().collect(), ttl: Duration::from_secs(ttl.into()) })
        })
    }
}

/// Short enough for an EDE.
fn plain_words(error: &NetError) -> String {
    if error.is_nx_domain() {
        "no such name".into()
    } else if error.is_no_records_found() {
        "no address".into()
    } else {
        error.to_string()
    }
}

impl Routes {
    fn owner(&self, name: &Name) -> Option<(Arc<ForwardClient>, Vec<u8>)> {
        let through = self.through.read();
        let owners = through.clients.iter().filter(|client| name.as_ref().is_in(client.zone().as_ref()));
        let longest = owners.max_by_key(|client| client.zone().as_ref().label_count())?;
        Some((Arc::clone(longest), through.stamp.clone()))
    }

    async fn answer(&self, request: &DnsRequest) -> Result<DnsResponse, NetError> {
        let query = request.queries.first().ok_or_else(|| NetError::from("a request without a question"))?;
        let name = wire_name(query.name())?;
        let question = Question {
            name,
            qtype: query.query_type().into(),
            qclass: query.query_class().into(),
            dnssec_ok: false,
            checking_disabled: false,
            options: Box::default(),
        };
        let (client, stamp) = self.owner(&question.name).ok_or_else(|| NetError::from("no upstream owns the name"))?;
        let failed = |failure: crate::answer::Failure| NetError::from(failure.ede().text().to_owned());
        let answer = client.ask(&question, Some(&stamp)).await.map_err(failed)?;
        let mut message = answer.body.to_message(question.name.as_ref(), question.qtype);
        message[..2].copy_from_slice(&request.id.to_be_bytes());
        message[2] |= (Flags::RD >> 8) as u8;
        Ok(DnsResponse::from_buffer(message)?)
    }
}

fn wire_name(name: &hickory_resolver::proto::rr::Name) -> Result<Name, NetError> {
    let mut buf = NameBuf::new();
    let pushed = name.iter().try_for_each(|label| buf.push(label));
    pushed.map_err(|error| NetError::from(error.to_string()))?;
    Ok(buf.to_name())
}

impl DnsHandle for Routes {
    type Response = DnsResponseStream;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Self::Response {
        let routes = self.clone();
        Box::pin(async move { routes.answer(&request).await }).into()
    }
}

impl ConnectionProvider for Routes {
    type Conn = Self;
    type FutureConn = Pin<Box<dyn Future<Output = Result<Self, NetError>> + Send>>;
    type RuntimeProvider = TokioRuntimeProvider;

    fn new_connection(&self, _: IpAddr, _: &ConnectionConfig, _: &PoolContext) -> Result<Self::FutureConn, NetError> {
        let routes = self.clone();
        Ok(Box::pin(async move { Ok(routes) }))
    }

    fn runtime_provider(&self) -> &TokioRuntimeProvider {
        &self.provider
    }
}
