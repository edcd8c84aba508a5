//! The group `clashes`: regions that stand in each other's way, or in that of the cluster's own names. Pure.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::regions::Region;
use super::report::{Line, Topic};
use super::subject::Subject;
use crate::app::hidden;
use crate::peer::probe::Own;

pub fn judge(subject: &Subject, regions: &[Region], namespaces: Option<&[String]>, own: Option<Own>) -> Vec<Line> {
    let mut lines = same_address(regions);
    lines.extend(same_label(subject, regions, own));
    if let Some(namespaces) = namespaces {
        lines.extend(namespaces_hidden(subject, namespaces));
    }
    if lines.is_empty() && !regions.is_empty() {
        lines.push(Line::fine("no region is in the way of another one, or of a namespace"));
    }
    lines
}

/// An address belongs to one region.
fn same_address(regions: &[Region]) -> Vec<Line> {
    let mut owners: BTreeMap<SocketAddr, Vec<&str>> = BTreeMap::new();
    for region in regions {
        for address in region.endpoints.iter().flat_map(|endpoint| endpoint.addresses.iter().flatten()) {
            let owners = owners.entry(*address).or_default();
            if !owners.contains(&region.label.as_str()) {
                owners.push(&region.label);
            }
        }
    }
    let shared = owners.into_iter().filter(|(_, owners)| owners.len() > 1);
    let lines = shared.map(|(address, owners)| {
        let line =
            Line::problem(Topic::Same, format!("regions {} have the same address {address}", owners.join(" and ")));
        let is = regions.iter().flat_map(|region| &region.addresses).find(|it| it.address == address);
        let said = is.and_then(|it| it.looked.as_ref().ok()?.said.as_ref());
        let why = match said {
            Some(said) => format!("the server there says that it is {}", said.label),
            None => "an address leads to one region only".to_owned(),
        };
        line.why(why).mend("give each row of the peer table the address of its own region's load balancer")
    });
    lines.collect()
}

/// A label belongs to one cluster.
fn same_label(subject: &Subject, regions: &[Region], own: Option<Own>) -> Vec<Line> {
    let mut clusters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if let Some((own, label)) = own.zip(subject.config.region.as_ref()).filter(|(own, _)| own.cluster.is_known()) {
        clusters.entry(label.to_string()).or_default().push(own.cluster.to_string());
    }
    let said = regions.iter().flat_map(|region| &region.addresses);
    for said in said.filter_map(|address| address.looked.as_ref().ok()?.said.as_ref()).filter(|it| it.id.is_known()) {
        let clusters = clusters.entry(said.label.clone()).or_default();
        let id = said.id.to_string();
        if !clusters.contains(&id) {
            clusters.push(id);
        }
    }
    let doubled = clusters.into_iter().filter(|(label, ids)| !label.is_empty() && ids.len() > 1);
    let lines = doubled.map(|(label, ids)| {
        let line = Line::problem(Topic::Label, format!("{} clusters call themselves {label}", ids.len()));
        let why = format!("answers come from one or the other: {}", ids.join(", "));
        line.why(why).mend("give each cluster a label of its own (`region`), and a row of its own")
    });
    lines.collect()
}

fn namespaces_hidden(subject: &Subject, namespaces: &[String]) -> Vec<Line> {
    let hidden = hidden(&subject.config, &subject.table.table);
    let lines = hidden.into_iter().filter(|name| namespaces.contains(name)).map(|name| {
        let what = format!("namespace {name} of this cluster is hidden by the region of the same name");
        let why = format!(
            "names below {name}.svc.{} are asked of that region, so its Services here have no names",
            subject.config.cluster_domain
        );
        Line::problem(Topic::Hidden, what).why(why).mend(format!(
            "give region {name} another label or `zones`, or write `override_local: true` into its row if that is meant"
        ))
    });
    let mut lines: Vec<Line> = lines.collect();
    let own = subject.own_row().filter(|row| row.mesh.is_none()).map(|row| row.label.to_string());
    if let Some(own) = own.filter(|own| !namespaces.contains(own)) {
        let zone = format!("{own}.svc.{}", subject.config.cluster_domain);
        if subject.own_row().is_some_and(|row| row.zones.iter().any(|it| it.to_string().trim_end_matches('.') == zone))
        {
            let line = Line::warning(Topic::Hidden, format!("this cluster has no namespace {own}"));
            let why = format!("the region's names are those of that namespace: {zone} is empty for all regions");
            lines.push(
                line.why(why).mend(format!("create the namespace, or list others as `zones` of the row `{own}`")),
            );
        }
    }
    lines
}
