//! Kubernetes objects, as much of them as the zone depends on. Everything else in them is ignored, nothing in them is
//! trusted, and no field is obligatory here: `convert` decides.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::MapAccess;

use super::lax::{Field, Shape, WrongType, mappings};

/// An object of any kind: the fields of all kinds that we read, side by side.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RawObject {
    pub api_version: Field<String>,
    pub kind: Field<String>,
    pub metadata: Field<Metadata>,
    /// Of a Service.
    pub spec: Field<ServiceSpec>,
    /// Of a Pod, or of a Service.
    pub status: Field<Status>,
    /// Of an EndpointSlice.
    pub address_type: Field<String>,
    /// Of an EndpointSlice.
    pub endpoints: Field<Vec<Field<RawEndpoint>>>,
    /// Of an EndpointSlice.
    pub ports: Field<Vec<Field<RawPort>>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    pub name: Field<String>,
    pub namespace: Field<String>,
    pub uid: Field<String>,
    /// Opaque: only the API server can compare two of them.
    pub resource_version: Field<String>,
    pub labels: Field<Labels>,
    pub annotations: Field<Annotations>,
}

/// All labels: whoever runs the cluster says which of them are asked for.
#[derive(Debug, Clone, Default)]
pub struct Labels(BTreeMap<String, Field<String>>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Annotations {
    /// Of a bookmark: a streamed list ends with it.
    #[serde(rename = "k8s.io/initial-events-end")]
    pub initial_events_end: Field<String>,
    /// Of an EndpointSlice: when the change happened that led to it.
    #[serde(rename = "endpoints.kubernetes.io/last-change-trigger-time")]
    pub last_change_trigger_time: Field<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceSpec {
    #[serde(rename = "type")]
    pub service_type: Field<String>,
    #[serde(rename = "clusterIP")]
    pub cluster_ip: Field<String>,
    #[serde(rename = "clusterIPs")]
    pub cluster_ips: Field<Vec<Field<String>>>,
    pub external_name: Field<String>,
    pub ports: Field<Vec<Field<RawPort>>>,
    pub publish_not_ready_addresses: Field<bool>,
    #[serde(rename = "externalIPs")]
    pub external_ips: Field<Vec<Field<String>>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RawPort {
    pub name: Field<String>,
    pub protocol: Field<String>,
    pub port: Field<u64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RawEndpoint {
    pub addresses: Field<Vec<Field<String>>>,
    pub conditions: Field<Conditions>,
    pub hostname: Field<String>,
    pub target_ref: Field<TargetRef>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Conditions {
    pub ready: Field<bool>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TargetRef {
    pub kind: Field<String>,
    pub name: Field<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    /// Of a Service.
    pub load_balancer: Field<LoadBalancer>,
    pub phase: Field<String>,
    #[serde(rename = "podIP")]
    pub pod_ip: Field<String>,
    #[serde(rename = "podIPs")]
    pub pod_ips: Field<Vec<Field<PodIp>>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PodIp {
    pub ip: Field<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LoadBalancer {
    pub ingress: Field<Vec<Field<Ingress>>>,
}

/// One load balancer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Ingress {
    pub ip: Field<String>,
    pub hostname: Field<String>,
}

impl RawObject {
    /// The version of the object, or of the list up to it.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        let Field::Is(Metadata { resource_version: Field::Is(version), .. }) = &self.metadata else { return None };
        Some(version.as_str()).filter(|version| !version.is_empty())
    }

    #[must_use]
    pub fn annotations(&self) -> Option<&Annotations> {
        match &self.metadata {
            Field::Is(Metadata { annotations: Field::Is(annotations), .. }) => Some(annotations),
            _ => None,
        }
    }
}

impl Labels {
    /// A label, empty if there is none.
    ///
    /// # Errors
    /// If it is not text.
    pub fn get(&self, key: &str) -> Result<&str, WrongType> {
        self.0.get(key).map_or(Ok(""), |value| value.text("metadata.labels"))
    }

    /// A label, if there is one and it is text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.0.get(key)? {
            Field::Is(text) => Some(text),
            _ => None,
        }
    }
}

impl Shape for Labels {
    const EXPECTED: &'static str = "a mapping";

    fn from_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        let mut labels = BTreeMap::new();
        while let Some((key, value)) = map.next_entry()? {
            labels.insert(key, value);
        }
        Ok(Some(Self(labels)))
    }
}

mappings!(
    RawObject,
    Metadata,
    Annotations,
    ServiceSpec,
    RawPort,
    RawEndpoint,
    Conditions,
    TargetRef,
    Status,
    PodIp,
    LoadBalancer,
    Ingress
);
