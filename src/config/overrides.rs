//! What flags and environment variables say: a flag wins over its variable, and both over the file. It reads neither
//! the command line nor the environment itself.

use std::path::PathBuf;

use super::error::{Fault, Report};
use super::{Config, KubernetesSource, Listen, PeersSource, RegionLabel, file};

/// Each is what was written, judged when it is applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    pub region: Option<String>,
    /// Where the pods' door listens; then nothing else does but what the file names.
    pub listen: Option<Vec<String>>,
    /// The peer table, in place of a file or a ConfigMap that the configuration names, and of a Corefile's stanzas.
    pub peers: Option<PathBuf>,
    /// Where the peers' door listens.
    pub listen_peers: Option<Vec<String>>,
    /// Where the tools ask.
    pub listen_admin: Option<String>,
    /// A manifest file or folder in place of the API.
    pub manifests: Option<PathBuf>,
    /// `auto` or a number.
    pub workers: Option<String>,
    /// The plain socket loop; nothing here switches it off again.
    pub plain_sockets: bool,
}

impl Overrides {
    /// The variables: `INTERLOCAL_REGION`, `INTERLOCAL_LISTEN` and `INTERLOCAL_LISTEN_PEERS` (with commas),
    /// `INTERLOCAL_LISTEN_ADMIN`, `INTERLOCAL_PEERS`, `INTERLOCAL_MANIFESTS`, `INTERLOCAL_WORKERS`, `INTERLOCAL_PLAIN_SOCKETS` (all but
    /// `0` and `false` is yes). An empty one is not set, as manifests leave them.
    #[must_use]
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        let list = |name: &str| Some(get(name)?.split(',').map(|part| part.trim().to_owned()).collect());
        Self {
            region: get("INTERLOCAL_REGION"),
            listen: list("INTERLOCAL_LISTEN"),
            peers: get("INTERLOCAL_PEERS").map(PathBuf::from),
            listen_peers: list("INTERLOCAL_LISTEN_PEERS"),
            listen_admin: get("INTERLOCAL_LISTEN_ADMIN"),
            manifests: get("INTERLOCAL_MANIFESTS").map(PathBuf::from),
            workers: get("INTERLOCAL_WORKERS"),
            plain_sockets: get("INTERLOCAL_PLAIN_SOCKETS").is_some_and(|value| value != "0" && value != "false"),
        }
    }

    /// These, and where they say nothing, the weaker ones.
    #[must_use]
    pub fn or(self, weaker: Self) -> Self {
        Self {
            region: self.region.or(weaker.region),
            listen: self.listen.or(weaker.listen),
            peers: self.peers.or(weaker.peers),
            listen_peers: self.listen_peers.or(weaker.listen_peers),
            listen_admin: self.listen_admin.or(weaker.listen_admin),
            manifests: self.manifests.or(weaker.manifests),
            workers: self.workers.or(weaker.workers),
            plain_sockets: self.plain_sockets || weaker.plain_sockets,
        }
    }

    /// Does a flag say where to listen?
    pub(super) fn binds_only_its_own(&self) -> bool {
        self.listen.is_some()
    }

    pub(super) fn apply(&self, config: &mut Config, report: &Report<'_>) {
        for (flag, result) in [
            ("--region (INTERLOCAL_REGION)", self.region(config)),
            ("--listen (INTERLOCAL_LISTEN)", self.listen(config)),
            ("--listen-peers (INTERLOCAL_LISTEN_PEERS)", self.listen_peers(config)),
            ("--listen-admin (INTERLOCAL_LISTEN_ADMIN)", self.listen_admin(config)),
            ("--workers (INTERLOCAL_WORKERS)", self.workers(config)),
        ] {
            result.unwrap_or_else(|fault| report.other(fault.of(flag)));
        }
        if let Some(path) = &self.manifests {
            config.kubernetes.source = KubernetesSource::Manifests(path.clone());
        }
        if let Some(path) = &self.peers {
            config.peers.source = PeersSource::File(path.clone());
            config.peers.configmap = None;
        }
        config.plain_sockets |= self.plain_sockets;
    }

    fn region(&self, config: &mut Config) -> Result<(), Fault> {
        if let Some(text) = &self.region {
            config.region = Some(RegionLabel::parse(text)?);
        }
        Ok(())
    }

    fn listen(&self, config: &mut Config) -> Result<(), Fault> {
        let Some(listen) = &self.listen else {
            return Ok(());
        };
        let listen = listeners(listen);
        match config.servers.as_mut_slice() {
            [server] => server.listen = listen?,
            _ => {
                let fault = Fault::new("the file has several servers, so one place to listen is not enough");
                return Err(fault.help("change `listen` in the rows of `servers`"));
            }
        }
        Ok(())
    }

    fn listen_peers(&self, config: &mut Config) -> Result<(), Fault> {
        if let Some(listen) = &self.listen_peers {
            config.listen.peers = listeners(listen)?;
        }
        Ok(())
    }

    fn listen_admin(&self, config: &mut Config) -> Result<(), Fault> {
        if let Some(listen) = &self.listen_admin {
            config.listen.admin = Some(listen.parse()?);
        }
        Ok(())
    }

    fn workers(&self, config: &mut Config) -> Result<(), Fault> {
        if let Some(text) = &self.workers {
            config.workers = file::workers_of(text)?;
        }
        Ok(())
    }
}

fn listeners(texts: &[String]) -> Result<Vec<Listen>, Fault> {
    texts.iter().map(|text| text.parse()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::error::UnknownKeys;

    fn parse(text: &str, overrides: &Overrides) -> Result<Config, Vec<String>> {
        let parsed = file::parse(text, Path::new("/etc/i/interlocal.yaml"), UnknownKeys::Refuse, overrides);
        parsed.map(|parsed| parsed.value).map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    fn env(variables: &[(&str, &str)]) -> Overrides {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Overrides::from_env(find)
    }

    #[test]
    fn flag_wins_over_variable_and_both_over_the_file() {
        let flags = Overrides { region: Some("west".into()), ..Overrides::default() };
        let variables = env(&[("INTERLOCAL_REGION", "east"), ("INTERLOCAL_WORKERS", "3"), ("INTERLOCAL_LISTEN", "")]);
        let config = parse("region: central\nworkers: 1\n", &flags.or(variables)).unwrap();
        assert_eq!(config.region.unwrap().as_str(), "west");
        assert_eq!(config.workers, Some(3));
        assert_eq!(config.servers[0].listen, Config::default().servers[0].listen);
    }

    #[test]
    fn listen_binds_only_that_address_and_what_the_file_names() {
        let overrides = env(&[("INTERLOCAL_LISTEN", "127.0.0.1:5300, [::1]:5300"), ("INTERLOCAL_MANIFESTS", "m")]);
        let config = parse("", &overrides).unwrap();
        assert_eq!(config.servers[0].listen, ["127.0.0.1:5300", "[::1]:5300"].map(|text| text.parse().unwrap()));
        assert_eq!(config.listen, crate::config::ListenConfig::default());
        assert_eq!(config.kubernetes.source, KubernetesSource::Manifests("m".into()), "from the working folder");

        let named = "listen: {health: ':8080', peers: [':8053'], dns: [':53'], peers_allow: [10.0.0.0/8]}\n";
        let config = parse(named, &overrides).unwrap();
        assert_eq!(config.servers[0].listen.len(), 2);
        assert_eq!((config.listen.health, config.listen.ready), (Some(Listen::Port(8080)), None));
        assert_eq!(config.listen.peers, [Listen::Port(8053)]);
        assert_eq!(config.listen.peers_allow.len(), 1);
    }

    #[test]
    fn the_table_and_the_listeners_of_others_win_over_the_file() {
        let overrides = env(&[
            ("INTERLOCAL_PEERS", "all.yaml"),
            ("INTERLOCAL_LISTEN_PEERS", "127.0.0.1:8053, [::1]:8053"),
            ("INTERLOCAL_LISTEN_ADMIN", "127.0.0.1:0"),
        ]);
        let config = parse("peers: {configmap: kube-system/peers}\nlisten: {peers: []}\n", &overrides).unwrap();
        assert_eq!(config.peers.source, PeersSource::File("all.yaml".into()), "from the working folder");
        assert_eq!((config.peers.configmap, config.listen.peers.len()), (None, 2));
        assert_eq!(config.listen.admin, Some("127.0.0.1:0".parse().unwrap()));
        let errors =
            parse("", &env(&[("INTERLOCAL_LISTEN_PEERS", "8053"), ("INTERLOCAL_LISTEN_ADMIN", "x")])).unwrap_err();
        assert!(errors[0].starts_with("--listen-peers (INTERLOCAL_LISTEN_PEERS): error: `8053`"), "{errors:?}");
        assert!(errors[1].starts_with("--listen-admin (INTERLOCAL_LISTEN_ADMIN): error: `x`"), "{errors:?}");
    }

    #[test]
    fn bad_overrides_name_themselves() {
        let overrides = env(&[("INTERLOCAL_REGION", "East"), ("INTERLOCAL_LISTEN", "53"), ("INTERLOCAL_WORKERS", "0")]);
        assert_eq!(
            parse("", &overrides).unwrap_err(),
            [
                "--region (INTERLOCAL_REGION): error: `East` is not a region label\n  help: write it in lower case: `east`",
                "--listen (INTERLOCAL_LISTEN): error: `53` is not an address to listen on\n  help: write `:53` for every address of both families",
                "--workers (INTERLOCAL_WORKERS): error: expected `auto` or a number from 1 to 1024, found `0`",
            ]
        );
        let two = "servers: [{listen: [':53']}, {listen: [':54']}]\n";
        assert!(parse(two, &env(&[("INTERLOCAL_LISTEN", ":55")])).is_err());
    }

    #[test]
    fn plain_sockets_can_only_be_switched_on() {
        assert!(parse("", &env(&[("INTERLOCAL_PLAIN_SOCKETS", "1")])).unwrap().plain_sockets);
        assert!(parse("sockets: plain\n", &env(&[("INTERLOCAL_PLAIN_SOCKETS", "0")])).unwrap().plain_sockets);
    }
}
