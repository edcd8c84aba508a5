//! The group `tables`: does every region have the table that we have? Each says the hash of its own. Pure.

use super::configuration::hash;
use super::regions::Region;
use super::report::{Line, Topic};

/// `own`: the hash of ours.
pub fn judge(regions: &[Region], own: &str) -> Vec<Line> {
    let (mut same, mut lines) = (0, Vec::new());
    for region in regions {
        let said = region.addresses.iter().filter_map(|address| address.looked.as_ref().ok()?.said.as_ref());
        // One line a region; what another region says of itself is said elsewhere.
        let mut tables: Vec<String> =
            said.filter(|said| said.label == region.label).map(|said| hash(said.table)).collect();
        tables.sort_unstable();
        tables.dedup();
        if tables.len() > 1 {
            let line = Line::warning(Topic::Differ, format!("replicas of {} have different peer tables", region.label));
            lines.push(line.why(tables.join(", ")).mend("wait 90 s for the ConfigMap to arrive, then read their logs"));
        } else if tables.iter().any(|table| table != own) {
            let line = Line::warning(Topic::Differ, format!("{} has another peer table than we", region.label));
            let why = format!("its table is {}, ours is {own}", tables.join(", "));
            lines.push(line.why(why).mend("give all regions the same file"));
        } else {
            same += tables.len();
        }
    }
    if lines.is_empty() && same > 0 {
        lines.push(Line::fine("every region that says so has the same peer table"));
    }
    lines
}
