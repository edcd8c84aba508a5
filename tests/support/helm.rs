//! Helm as a program: it renders, checks, packs and installs charts. Nothing here judges what it made.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::apiserver::Said;
use super::tool;

/// Where to find the program, if not where `.ci/run` puts it.
const PROGRAM: &str = "INTERLOCAL_HELM";
const BUILT: &str = "helm-3.22.0/bin/helm";

pub struct Helm {
    program: PathBuf,
    /// Whose cluster it works on.
    kubeconfig: Option<PathBuf>,
}

impl Helm {
    /// One without a cluster. None, said aloud, on a machine without the program.
    pub fn find(test: &str) -> Option<Self> {
        tool::find(test, PROGRAM, BUILT, ".ci/run").map(|program| Self { program, kubeconfig: None })
    }

    /// The same, for this cluster.
    pub fn with(mut self, kubeconfig: PathBuf) -> Self {
        self.kubeconfig = Some(kubeconfig);
        self
    }

    /// Runs it in this folder, where it keeps its own files too; whatever comes of it.
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> Said {
        let mut command = Command::new(&self.program);
        for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            command.env(variable, folder.join(".helm").join(variable));
        }
        match &self.kubeconfig {
            Some(path) => command.env("KUBECONFIG", path),
            None => command.env_remove("KUBECONFIG"),
        };
        let output = command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Said { ok: output.status.success(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
