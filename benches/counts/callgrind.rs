//! Runs this program under callgrind, reads what it counted, and compares with the budgets. It does not know what is counted.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};

use crate::COUNTED;
use crate::paths::{FUNCTION, TIMES};

/// Above the budget by more than this part is too much: below it are other compilers and libraries.
const TOLERANCE: f64 = 0.05;
const OUT: &str = "counted";

/// Fails if one of them is too dear.
pub fn check(names: &[&str]) -> anyhow::Result<ExitCode> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/counts/budgets.txt");
    let budgets = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut code = ExitCode::SUCCESS;
    println!("{:<28} {:>12} {:>8}", "", "instructions", "budget");
    for (name, count) in names.iter().zip(count(names.len())?) {
        let budget = budget(&budgets, name).with_context(|| format!("{name} has no line in {}", path.display()))?;
        let verdict = if count > budget * (1.0 + TOLERANCE) {
            code = ExitCode::FAILURE;
            "TOO MANY"
        } else if count < budget * (1.0 - TOLERANCE) {
            "fewer: lower the budget"
        } else {
            ""
        };
        println!("{name:<28} {count:>12.0} {budget:>8.0} {verdict}");
    }
    Ok(code)
}

/// Of one answer on each way, in their order: callgrind counts inside the function only, and begins anew behind it.
fn count(ways: usize) -> anyhow::Result<Vec<f64>> {
    let folder = tempfile::tempdir()?;
    let ran = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", folder.path().join(OUT).display()))
        .args(["--collect-atstart=no", &format!("--toggle-collect={FUNCTION}"), &format!("--dump-after={FUNCTION}")])
        .arg(std::env::current_exe()?)
        .arg(COUNTED)
        .output()
        .context("valgrind, which Debian has under that name")?;
    ensure!(ran.status.success(), "under callgrind: {}", String::from_utf8_lossy(&ran.stderr));
    (1..=ways).map(|way| total(&folder.path().join(format!("{OUT}.{way}")))).collect()
}

fn total(path: &Path) -> anyhow::Result<f64> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals:").or_else(|| line.strip_prefix("summary:")));
    let total: f64 = line.context("a count")?.trim().parse()?;
    ensure!(total > 0.0, "nothing was counted: {}", path.display());
    Ok(total / TIMES as f64)
}

/// Lines of a number and a name.
fn budget(budgets: &str, name: &str) -> Option<f64> {
    let lines = budgets.lines().filter_map(|line| line.split_once(' '));
    lines.filter(|(_, of)| of.trim() == name).find_map(|(number, _)| number.parse().ok())
}
