//! A kubelet for one pod: it reads a Deployment or DaemonSet from the API server and runs its containers as they are described there,
//! with the files of their ConfigMaps, a token of their account, their user, their capabilities and a root that is read-only. In
//! place of the image there is the binary under test; seccomp is left to the test of the image. It belongs into a network of the
//! test's own.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::network::set_sysctl;
use crate::rendered::texts;
use crate::support::apiserver::ApiServer;
use crate::support::process::{Ended, Process, binary};
use crate::support::wait::eventually;
use crate::support::{http, secs};

const NAMESPACE: &str = "kube-system";
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Everything that the container sees, and nothing else: the libraries that the binary under test is linked with, the mounts, and a
/// root that nobody can write to.
const ROOT: &str = r#"set -e
root=$1; shift
mount -t tmpfs -o mode=755 tmpfs "$root"
for folder in /usr /bin /lib /lib64; do
  if [ -L $folder ]; then cp -P $folder "$root$folder"
  elif [ -d $folder ]; then mkdir "$root$folder"; mount --bind -o ro $folder "$root$folder"; fi
done
mkdir "$root/dev" "$root/proc" "$root/etc"
mount --bind /dev "$root/dev"
mount --bind /proc "$root/proc"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$(dirname "$root$2")"; : >"$root$2"; fi
  mount --bind -o ro "$1" "$root$2"
  shift 2
done
shift
mount -o remount,ro "$root"
exec chroot "$root" "$@"
"#;

/// A pod that runs. Dropping it kills its container.
pub struct Pod {
    process: Process,
    template: Value,
    files: TempDir,
}

impl Pod {
    /// Of an object such as `deployment/interlocal`: what has to be done before, and then the container.
    pub async fn start(api: &ApiServer, workload: &str) -> Self {
        let template = api.get(NAMESPACE, workload).await["spec"]["template"].clone();
        for sysctl in template["spec"]["securityContext"]["sysctls"].as_array().unwrap_or(&Vec::new()) {
            set_sysctl(sysctl["name"].as_str().unwrap(), sysctl["value"].as_str().unwrap());
        }
        for container in template["spec"]["initContainers"].as_array().unwrap_or(&Vec::new()) {
            initialise(&template["spec"], container);
        }
        Self::start_container(api, template).await
    }

    /// On a node that does not do what the pod asks for its network.
    pub async fn start_without_sysctls(api: &ApiServer, workload: &str) -> Self {
        let template = api.get(NAMESPACE, workload).await["spec"]["template"].clone();
        Self::start_container(api, template).await
    }

    async fn start_container(api: &ApiServer, template: Value) -> Self {
        let files = tempfile::tempdir().unwrap();
        let spec = &template["spec"];
        let container = &spec["containers"][0];
        let mut arguments = vec![path(files.path(), "root")];
        fs::create_dir(files.path().join("root")).unwrap();

        arguments.extend([binary().to_owned(), "/interlocal".to_owned()]);
        fs::write(files.path().join("resolv.conf"), "nameserver 192.0.2.53\n").unwrap();
        arguments.extend([path(files.path(), "resolv.conf"), "/etc/resolv.conf".to_owned()]);
        account(api, spec, &files.path().join("account")).await;
        arguments.extend([path(files.path(), "account"), ACCOUNT.to_owned()]);
        for mount in container["volumeMounts"].as_array().unwrap() {
            let folder = files.path().join(text(&mount["name"]));
            fs::create_dir(&folder).unwrap();
            arguments.extend([folder.to_string_lossy().into_owned(), text(&mount["mountPath"])]);
        }
        arguments.push("--".to_owned());

        arguments.extend(["/usr/bin/env".to_owned(), "-i".to_owned()]);
        arguments.push("KUBERNETES_SERVICE_HOST=127.0.0.1".to_owned());
        arguments.push(format!("KUBERNETES_SERVICE_PORT={}", api.port()));
        arguments.extend(environment(api, container).await);
        arguments.extend(privileges(spec, container));
        arguments.push("/interlocal".to_owned());
        arguments.extend(texts(&container["args"]).into_iter().map(str::to_owned));

        let pod_files = Files { api, template: &template, folder: files.path() };
        pod_files.project("first").await;
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", ROOT, "sh"]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let process = Process::of(command, Path::new("/"), &arguments);
        Self { process, template, files }
    }

    /// Brings the files up to what the ConfigMaps are now, as a kubelet does some time after a change.
    pub async fn refresh_files(&self, api: &ApiServer, version: &str) {
        Files { api, template: &self.template, folder: self.files.path() }.project(version).await;
    }

    pub fn container(&self) -> &Value {
        &self.template["spec"]["containers"][0]
    }

    /// The number of a port of the container; a number is itself.
    pub fn port(&self, name: &Value) -> u16 {
        let declared = self.container()["ports"].as_array().unwrap();
        let found = declared.iter().find(|port| &port["name"] == name).map(|port| &port["containerPort"]);
        found.unwrap_or(name).as_u64().and_then(|port| port.try_into().ok()).unwrap_or_else(|| panic!("no port {name}"))
    }

    /// What a probe of the container gets.
    pub async fn probe(&self, probe: &str) -> Option<(u16, String)> {
        let get = &self.container()[probe]["httpGet"];
        let host = get["host"].as_str().unwrap_or("127.0.0.1");
        let server = SocketAddr::new(host.parse().unwrap(), self.port(&get["port"]));
        http::get(server, get["path"].as_str().unwrap()).await
    }

    pub async fn until_ready(&self) {
        let ready = || async { self.probe("readinessProbe").await.is_some_and(|(status, _)| status == 200) };
        assert!(eventually(secs(120), ready).await, "{:?}\n{}", self.probe("readinessProbe").await, self.log());
    }

    pub fn log(&self) -> String {
        self.process.stderr()
    }

    /// `status`, or another page of the kernel about its process.
    pub fn kernel(&self, page: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{page}", self.process.id())).unwrap()
    }

    /// As the kubelet ends it.
    pub async fn terminate(self) -> Ended {
        self.process.signal("TERM");
        self.process.ended().await
    }

    /// Waits until it ends by itself.
    pub async fn ended(self) -> Ended {
        self.process.ended().await
    }
}

/// The volumes of a pod.
struct Files<'a> {
    api: &'a ApiServer,
    template: &'a Value,
    folder: &'a Path,
}

impl Files<'_> {
    /// All files of a volume change at once, by a link.
    async fn project(&self, version: &str) {
        for volume in self.template["spec"]["volumes"].as_array().unwrap() {
            let folder = self.folder.join(text(&volume["name"]));
            let new = folder.join(version);
            fs::create_dir(&new).unwrap();
            for source in volume["projected"]["sources"].as_array().unwrap() {
                let source = &source["configMap"];
                let name = format!("configmap/{}", text(&source["name"]));
                let got = self.api.try_kubectl(&["get", "-n", NAMESPACE, &name, "-o", "json"], "").await;
                if !got.ok && source["optional"] == true {
                    continue;
                }
                let map: Value = serde_json::from_str(&got.good()).unwrap();
                for item in source["items"].as_array().unwrap() {
                    let place = text(&item["path"]);
                    fs::write(new.join(&place), text(&map["data"][text(&item["key"])])).unwrap();
                    let link = folder.join(&place);
                    if !link.is_symlink() {
                        symlink(Path::new("..data").join(&place), link).unwrap();
                    }
                }
            }
            symlink(version, folder.join("..new")).unwrap();
            fs::rename(folder.join("..new"), folder.join("..data")).unwrap();
        }
    }
}

/// A token of the pod's account, for nobody but its user.
async fn account(api: &ApiServer, spec: &Value, folder: &Path) {
    assert_eq!(spec["automountServiceAccountToken"], true);
    fs::create_dir(folder).unwrap();
    let token = folder.join("token");
    fs::write(&token, api.token(NAMESPACE, spec["serviceAccountName"].as_str().unwrap()).await).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&token, Some(user(spec)), Some(user(spec))).unwrap();
    fs::write(folder.join("namespace"), NAMESPACE).unwrap();
    fs::copy(api.ca(), folder.join("ca.crt")).unwrap();
    fs::set_permissions(folder.join("ca.crt"), fs::Permissions::from_mode(0o644)).unwrap();
}

async fn environment(api: &ApiServer, container: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for variable in container["env"].as_array().unwrap() {
        if let Some(value) = variable["value"].as_str() {
            all.push(format!("{}={value}", text(&variable["name"])));
            continue;
        }
        if let Some(path) = variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
            let value = if path == "spec.nodeName" { "node-1" } else { "interlocal-1" };
            all.push(format!("{}={value}", text(&variable["name"])));
            continue;
        }
        let from = &variable["valueFrom"]["configMapKeyRef"];
        let name = format!("configmap/{}", text(&from["name"]));
        let got = api.try_kubectl(&["get", "-n", NAMESPACE, &name, "-o", "json"], "").await;
        if !got.ok && from["optional"] == true {
            continue;
        }
        let map: Value = serde_json::from_str(&got.good()).unwrap();
        all.push(format!("{}={}", text(&variable["name"]), text(&map["data"][text(&from["key"])])));
    }
    all
}

/// `setpriv` with the user and the capabilities of a container.
fn privileges(spec: &Value, container: &Value) -> Vec<String> {
    let own = &container["securityContext"];
    assert_eq!(own["readOnlyRootFilesystem"], true, "another root is not made here");
    assert_eq!((&own["allowPrivilegeEscalation"], &own["capabilities"]["drop"]), (&false.into(), &vec!["ALL"].into()));
    let added = texts(&own["capabilities"]["add"]);
    let added: String = added.iter().map(|name| format!(",+{}", name.to_lowercase())).collect();
    let user = user(spec);
    vec![
        "/usr/bin/setpriv".to_owned(),
        format!("--reuid={user}"),
        format!("--regid={user}"),
        "--clear-groups".to_owned(),
        "--no-new-privs".to_owned(),
        format!("--bounding-set=-all{added}"),
        "--inh-caps=-all".to_owned(),
        "--".to_owned(),
    ]
}

/// An init container, with the tools of this machine in place of its image.
fn initialise(spec: &Value, container: &Value) {
    let mut arguments = privileges(spec, container);
    arguments.extend(texts(&container["command"]).into_iter().map(str::to_owned));
    let output = Command::new(&arguments[0]).args(&arguments[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {said}", container["name"]);
}

fn user(spec: &Value) -> u32 {
    spec["securityContext"]["runAsUser"].as_u64().unwrap().try_into().unwrap()
}

fn path(folder: &Path, name: &str) -> String {
    PathBuf::from(folder).join(name).to_string_lossy().into_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
