//! Whether the cluster's domain is the one of the configuration. Two that know: the kubelet, whose resolv.conf for pods has it among
//! the search domains, and the API server, whose certificate names it.

use std::path::Path;

use super::report::{Line, Topic};
use crate::config::{Config, KubernetesSource};
use crate::kube::api::rights::{self, Domain};
use crate::kube::api::{Settings, Target};

/// Written by the kubelet in a pod with `dnsPolicy: ClusterFirst`.
pub const RESOLV_CONF: &str = "/etc/resolv.conf";

/// What is known of the domain.
pub struct Known {
    /// The search domains of this machine or pod that look like a cluster's.
    searched: Vec<String>,
    certified: Domain,
}

pub async fn gather(config: &Config, resolv_conf: &Path, target: Option<&Target>) -> Known {
    let text = std::fs::read_to_string(resolv_conf).unwrap_or_default();
    let certified = match (target, &config.kubernetes.source) {
        (Some(target), KubernetesSource::Api) => {
            rights::domain(target, &config.cluster_domain, &Settings::of(&config.limits)).await
        }
        _ => Domain::Untold,
    };
    Known { searched: searched(&text), certified }
}

/// The domains behind `svc.` in the search list: the kubelet writes `NAMESPACE.svc.DOMAIN svc.DOMAIN DOMAIN`.
fn searched(text: &str) -> Vec<String> {
    // The last one counts (resolv.conf(5)).
    let words = text.lines().filter_map(|line| line.trim().strip_prefix("search")).next_back().unwrap_or_default();
    let domains = words.split_whitespace().filter_map(|word| word.strip_prefix("svc."));
    domains.map(|domain| domain.trim_end_matches('.').to_ascii_lowercase()).collect()
}

pub fn judge(config: &Config, known: &Known) -> Vec<Line> {
    let configured = config.cluster_domain.to_string();
    let configured = configured.trim_end_matches('.');
    let wrong = |who: &str, domain: &str| {
        let line = Line::problem(Topic::Domain, format!("the cluster's domain is {domain}, and not {configured}"));
        let why = format!("{who}; pods ask for names below {domain}, which are forwarded and not found");
        vec![line.why(why).mend(format!("write `cluster_domain: {domain}` in interlocal.yaml"))]
    };
    if let Domain::Other(domain) = &known.certified {
        return wrong(&format!("the API server's certificate is for kubernetes.default.svc.{domain}"), domain);
    }
    match known.searched.iter().find(|domain| *domain != configured) {
        Some(domain) => wrong(&format!("resolv.conf of this pod searches svc.{domain}"), domain),
        None if known.certified == Domain::Right || !known.searched.is_empty() => {
            vec![Line::fine(format!("the cluster's domain is {configured}"))]
        }
        // Nobody here knows, which is usual outside of a pod.
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::report::Level;

    #[test]
    fn the_kubelet_and_the_api_server_know_the_domain() {
        let pod = "search shop.svc.Prod.example svc.Prod.example Prod.example ec2.internal\nnameserver 10.96.0.10\n";
        assert_eq!(searched(pod), ["prod.example"]);
        assert_eq!(searched("search a.b\nsearch x.y\n"), Vec::<String>::new());
        let config = Config::default();
        let known = |searched: &[&str], certified| Known {
            searched: searched.iter().map(|&domain| domain.to_owned()).collect(),
            certified,
        };
        let level = |known| judge(&config, &known).first().map(|line| line.level);
        assert_eq!(level(known(&["prod.example"], Domain::Untold)), Some(Level::Problem));
        assert_eq!(level(known(&[], Domain::Other("prod.example".into()))), Some(Level::Problem));
        assert_eq!(level(known(&["cluster.local"], Domain::Untold)), Some(Level::Fine));
        assert_eq!(level(known(&[], Domain::Right)), Some(Level::Fine));
        assert_eq!(level(known(&[], Domain::Untold)), None);
    }
}
