//! A network of a test's own: the test starts itself again in a new network namespace, where every port is free, the kernel's
//! settings are its own, and nothing leads outside. What it mounts nobody else sees either. It needs root.

use std::process::Command;

use crate::support::dig::skip;

/// Set in the second process.
const INSIDE: &str = "INTERLOCAL_DEPLOY_INSIDE";
const PORTS_FROM: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

/// True in the namespace. Outside it runs the test of this name (`module::function`) there, fails as that fails, and is false: there
/// is nothing left to do.
pub fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        run("ip", &["link", "set", "lo", "up"]);
        return true;
    }
    for (tool, args) in
        [("unshare", &["--net", "--mount", "true"][..]), ("ip", &["-V"]), ("nft", &["-v"]), ("setpriv", &["-V"])]
    {
        if !Command::new(tool).args(args).output().is_ok_and(|output| output.status.success()) {
            skip(test, &format!("{tool}, and root"));
            return false;
        }
    }
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount"]).arg(std::env::current_exe().unwrap());
    let output = command.args([test, "--exact", "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // A name that is no test's would pass by running nothing.
    assert!(said.contains("1 passed"), "{test} is no test: {said}");
    println!("{said}");
    false
}

/// The first port that everybody may have.
pub fn unprivileged_from() -> u16 {
    std::fs::read_to_string(PORTS_FROM).unwrap().trim().parse().unwrap()
}

/// What the kubelet does for `securityContext.sysctls`, in the network of the pod.
pub fn set_sysctl(name: &str, value: &str) {
    std::fs::write(format!("/proc/sys/{}", name.replace('.', "/")), value).unwrap();
}

/// What kube-proxy does for a Service: this address and port lead to a port of the pod, which is on loopback here.
pub fn service(address: &str, ports: &[(String, u64, u64)]) {
    run("ip", &["addr", "add", &format!("{address}/32"), "dev", "lo"]);
    let rules: String = ports
        .iter()
        .map(|(protocol, from, to)| {
            format!("ip daddr {address} {} dport {from} redirect to :{to}\n", protocol.to_lowercase())
        })
        .collect();
    let table = format!("table ip services {{\nchain output {{\ntype nat hook output priority -100\n{rules}}}\n}}\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), table).unwrap();
    run("nft", &["-f", &file.path().to_string_lossy()]);
}

/// It has to succeed.
pub fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {}: {said}", args.join(" "));
}
