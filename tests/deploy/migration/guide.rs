//! `docs/eks.md` as a person follows it: the files that it says to write are written, and the commands of its steps are run in a
//! shell, as they stand there. What a machine without AWS lacks is put in their place: `aws` writes down what it was asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::apiserver::{ADMIN, ApiServer};

const PAGE: &str = "docs/eks.md";

pub struct Guide {
    page: String,
    folder: TempDir,
}

impl Guide {
    /// In a folder like a checkout: `deploy/` of ours, and the files that the page says to write.
    pub fn open(clusters: &[(&str, &ApiServer)]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let guide = Self { page: fs::read_to_string(root.join(PAGE)).unwrap(), folder: tempfile::tempdir().unwrap() };
        copy(&root.join("deploy"), &guide.path("deploy"));
        for (name, text) in guide.marked("file") {
            guide.write(&name, &text);
        }
        guide.write("kubeconfig", &kubeconfig(clusters));
        let (_, api) = clusters.first().expect("a cluster");
        guide.program("kubectl", &format!("exec '{}' kubectl \"$@\"", api.program().display()));
        guide.program("aws", "echo \"$@\" >> \"$HOME/aws.log\"");
        guide
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Runs the commands of the step with this name, for this region, while these regions run interlocal.
    pub async fn follow(&self, step: &str, region: &str, running: &[&str]) {
        let steps = self.marked("step");
        let (_, commands) = steps.iter().find(|(name, _)| name == step).unwrap_or_else(|| panic!("no step {step}"));
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", commands]).current_dir(self.folder.path());
        let path = std::env::var("PATH").unwrap_or_default();
        shell.env("PATH", format!("{}:{path}", self.path("bin").display()));
        shell.env("HOME", self.folder.path()).env("KUBECONFIG", self.path("kubeconfig"));
        // Here a load balancer follows at once.
        shell.env("R", region).env("RUNNING", running.join(" ")).env("WAIT", "0").stdin(Stdio::null());
        let ended = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(ended.status.success(), "{step} of {region}:\n{}{}", text(&ended.stdout), text(&ended.stderr));
    }

    /// The names of all steps, in the order of the page.
    pub fn steps(&self) -> Vec<String> {
        self.marked("step").into_iter().map(|(name, _)| name).collect()
    }

    /// The fenced blocks behind a line `<!-- KIND: NAME -->`.
    fn marked(&self, kind: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut lines = self.page.lines();
        while let Some(line) = lines.next() {
            let name = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_prefix(kind)?.strip_prefix(": "));
            let Some(name) = name.and_then(|name| name.strip_suffix(" -->")) else { continue };
            assert!(lines.next().is_some_and(|fence| fence.starts_with("```")), "no block behind {line}");
            let block =
                lines.by_ref().take_while(|line| *line != "```").fold(String::new(), |text, line| text + line + "\n");
            found.push((name.to_owned(), block));
        }
        found
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let name = format!("bin/{name}");
        self.write(&name, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.path(&name), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map_while(Result::ok) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A context for each cluster, by the region's label.
fn kubeconfig(clusters: &[(&str, &ApiServer)]) -> String {
    let mut text = format!("apiVersion: v1\nkind: Config\nusers: [{{name: admin, user: {{token: {ADMIN}}}}}]\n");
    text += "clusters:\n";
    for (label, api) in clusters {
        let (url, ca) = (api.url(), api.ca());
        text +=
            &format!("- {{name: {label}, cluster: {{server: \"{url}\", certificate-authority: {}}}}}\n", ca.display());
    }
    text += "contexts:\n";
    for (label, _) in clusters {
        text += &format!("- {{name: {label}, context: {{cluster: {label}, user: admin}}}}\n");
    }
    text
}
