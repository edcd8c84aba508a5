//! Who we are for the API server, and how we know that it is the right one: files that are mounted into a pod, tokens that
//! change, are lost and come again, certificates.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Instance;
use super::instance::{LIMIT, failures};
use super::objects::{account, account_by, cluster_ip, rbac, web};
use super::relay;
use crate::support::apiserver::{ADMIN, ApiServer};
use crate::support::dig::skip;
use crate::support::process::binary;
use crate::support::relay::Relay;
use crate::support::secs;
use crate::support::wait::eventually;

/// Cuts the watches now and then until this failure was seen: the server remembers for 10 seconds who a token belongs to.
async fn cut_until_refused(east: &Instance, relay: &Relay) {
    let refused = eventually(LIMIT, || async {
        relay::cut(relay);
        tokio::time::sleep(secs(1)).await;
        east.failures("services", "unauthorized").await > 0.0
    });
    assert!(refused.await, "{}", east.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_lost_is_told_and_a_new_one_is_taken() {
    let Some(api) = ApiServer::shared("a_token_that_is_lost_is_told_and_a_new_one_is_taken").await else { return };
    let relay = relay::to(api.port()).await;
    api.apply(&rbac("loser")).await;
    api.apply(&web("loser", "10.96.9.1")).await;
    let file = api.folder().join("loser-token");
    std::fs::write(&file, api.token("kube-system", "loser").await).unwrap();
    let kubeconfig = api.write_kubeconfig("loser", relay.address().port(), &format!("tokenFile: {}", file.display()));
    let east = Instance::ready(&kubeconfig, "").await;
    east.resolves("web.loser.svc.cluster.local", &["10.96.9.1"]).await;

    api.delete("kube-system", &["serviceaccount", "loser"]).await;
    cut_until_refused(&east, &relay).await;
    east.says(200, "does not know us").await;
    assert!(east.is("web.loser.svc.cluster.local", &["10.96.9.1"]).await);
    east.until_metric("interlocal_zone_staleness_seconds", 0.1).await;
    east.logged("the API server does not know us").await;

    // A ServiceAccount of the same name is another one: the old token is no good for it.
    api.apply(&rbac("loser")).await;
    std::fs::write(&file, api.token("kube-system", "loser").await).unwrap();
    api.apply(&cluster_ip("loser", "late", "10.96.9.2")).await;
    east.resolves("late.loser.svc.cluster.local", &["10.96.9.2"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_a_foreign_certificate_is_not_believed() {
    let Some(api) = ApiServer::shared("a_server_with_a_foreign_certificate_is_not_believed").await else { return };
    let good = std::fs::read_to_string(api.kubeconfig_of("foreign", ADMIN)).unwrap();
    let foreign = api.folder().join("kubeconfig-no-authority");
    let authority = format!(", certificate-authority: {}", api.ca().display());
    assert!(good.contains(&authority), "{good}");
    std::fs::write(&foreign, good.replace(&authority, "")).unwrap();
    let east = Instance::start(&foreign, "");
    east.until_metric(&failures("services", "unreachable"), 2.0).await;
    let said =
        || async { east.page().await.is_some_and(|(status, text)| status == 503 && text.contains("certificate")) };
    assert!(eventually(LIMIT, said).await, "{:?}", east.page().await);
}

/// The control plane renews its certificates: nothing is lost while we know only the old authority, and the new one is taken from
/// its file without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_new_certificates_is_believed_when_their_authority_is_known() {
    const TEST: &str = "a_server_with_new_certificates_is_believed_when_their_authority_is_known";
    let Some(mut api) = ApiServer::start(TEST, &[]).await else { return };
    api.apply(&web("renewed-pki", "10.96.9.7")).await;
    let known = api.folder().join("known-authority.crt");
    std::fs::copy(api.ca(), &known).unwrap();
    let written = api.kubeconfig_of("renewed-pki", ADMIN);
    let text = std::fs::read_to_string(&written).unwrap();
    std::fs::write(&written, text.replace(&api.ca().display().to_string(), &known.display().to_string())).unwrap();
    let east = Instance::ready(&written, "").await;

    api.kill();
    let old = std::fs::read(api.ca()).unwrap();
    api.renew_certificates();
    api.start_again().await;
    assert_ne!(std::fs::read(api.ca()).unwrap(), old);
    let refused = || async { east.log().contains("certificate") };
    assert!(eventually(LIMIT, refused).await, "{}", east.log());
    assert!(east.is("web.renewed-pki.svc.cluster.local", &["10.96.9.7"]).await);

    std::fs::copy(api.ca(), &known).unwrap();
    api.apply(&cluster_ip("renewed-pki", "late", "10.96.9.8")).await;
    east.resolves("late.renewed-pki.svc.cluster.local", &["10.96.9.8"]).await;
}

/// The folder of a ServiceAccount, as a kubelet mounts it: files behind a link that changes for all of them at once.
struct Mounted(PathBuf);

impl Mounted {
    fn new(api: &ApiServer, token: &str) -> Self {
        let mounted = Self(api.folder().join("mounted"));
        std::fs::create_dir(&mounted.0).unwrap();
        mounted.put("first", &api.ca(), token);
        for name in ["token", "ca.crt", "namespace"] {
            std::os::unix::fs::symlink(Path::new("..data").join(name), mounted.0.join(name)).unwrap();
        }
        mounted
    }

    /// The next version of all files.
    fn put(&self, version: &str, ca: &Path, token: &str) {
        let folder = self.0.join(version);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("token"), token).unwrap();
        std::fs::write(folder.join("namespace"), "kube-system").unwrap();
        std::fs::copy(ca, folder.join("ca.crt")).unwrap();
        std::os::unix::fs::symlink(version, self.0.join("..new")).unwrap();
        std::fs::rename(self.0.join("..new"), self.0.join("..data")).unwrap();
    }

    /// The binary in a pod: with these files at their place, and the address in the environment.
    fn command(&self, relay: &Relay) -> Command {
        let script = format!(
            "mount -t tmpfs tmpfs /var/run && mkdir -p /var/run/secrets/kubernetes.io && \
             ln -s {} /var/run/secrets/kubernetes.io/serviceaccount && exec {} \"$@\"",
            self.0.display(),
            binary()
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script, "sh"]).env_remove("KUBECONFIG");
        command
            .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
            .env("KUBERNETES_SERVICE_PORT", relay.address().port().to_string());
        command
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_uses_its_service_account_and_takes_its_next_token() {
    const TEST: &str = "a_pod_uses_its_service_account_and_takes_its_next_token";
    let Some(api) = ApiServer::shared(TEST).await else { return };
    // A mount that nobody else sees needs root.
    let unshare = Command::new("unshare").args(["--mount", "true"]).status();
    if !unshare.is_ok_and(|status| status.success()) {
        return skip(TEST, "unshare --mount");
    }
    for name in ["first", "second"] {
        // Both have the role; only the token tells them apart.
        account(&api, name).await;
    }
    api.apply(&web("mounted", "10.96.9.3")).await;
    let relay = relay::to(api.port()).await;
    let old = api.token("kube-system", "first").await;
    let mounted = Mounted::new(&api, &old);
    let east = Instance::of(mounted.command(&relay), "{source: api}");
    east.until_ready().await;
    east.resolves("web.mounted.svc.cluster.local", &["10.96.9.3"]).await;

    // The kubelet writes the next token long before the old one ends.
    mounted.put("second", &api.ca(), &api.token("kube-system", "second").await);
    api.delete("kube-system", &["serviceaccount", "first"]).await;
    // The server remembers the old one for 10 seconds. From then on the new one has to carry the watches.
    let forgotten = eventually(LIMIT, || async {
        relay::cut(&relay);
        tokio::time::sleep(secs(1)).await;
        assert!(east.is("web.mounted.svc.cluster.local", &["10.96.9.3"]).await);
        !api.try_kubectl(&["--token", &old, "get", "services"], "").await.ok
    });
    assert!(forgotten.await);
    relay::cut(&relay);
    api.apply(&cluster_ip("mounted", "late", "10.96.9.4")).await;
    east.resolves("late.mounted.svc.cluster.local", &["10.96.9.4"]).await;
    println!("401 seen on the way: {}", east.failures("services", "unauthorized").await);
    assert_eq!(east.page().await.unwrap().0, 200);
}

/// A kubeconfig that is written anew, as `aws eks update-kubeconfig` does, is read anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kubeconfig_that_is_written_anew_is_taken() {
    let Some(api) = ApiServer::shared("a_kubeconfig_that_is_written_anew_is_taken").await else { return };
    let relay = relay::to(api.port()).await;
    let kubeconfig = account_by(&api, &relay, "renewed").await;
    api.apply(&web("renewed", "10.96.9.5")).await;
    let east = Instance::ready(&kubeconfig, "").await;
    api.delete("kube-system", &["serviceaccount", "renewed"]).await;
    cut_until_refused(&east, &relay).await;
    account_by(&api, &relay, "renewed").await;
    api.apply(&cluster_ip("renewed", "late", "10.96.9.6")).await;
    east.resolves("late.renewed.svc.cluster.local", &["10.96.9.6"]).await;
}
