//! Several regions that know each other: one table, made of the doors that were really bound.

use std::path::Path;

use super::region::Region;
use super::running::Running;

/// Regions that run, and the table that all of them read at the start.
pub struct Regions {
    pub running: Vec<Running>,
    pub table: String,
}

/// Starts them with one table of all, and waits until each is ready. It does not wait until they have met.
pub async fn together(regions: impl IntoIterator<Item = Region>) -> Regions {
    together_with(regions, "").await
}

/// The same with more rows in the table: `  dark:\n    endpoints: ["127.0.0.1:1"]\n`.
pub async fn together_with(regions: impl IntoIterator<Item = Region>, more_rows: &str) -> Regions {
    // All are bound before the first one starts, so that none finds another one away.
    let bound: Vec<_> = regions.into_iter().map(Region::bind).collect();
    let rows: String = bound.iter().map(|region| region.table_row()).collect();
    let table = format!("version: 1\nregions:\n{rows}{more_rows}");
    let mut running = Vec::new();
    for region in bound {
        region.table(&table);
        running.push(region.start());
    }
    for region in &running {
        region.ready().await;
    }
    Regions { running, table }
}

/// The regions of the demo: central, east and west, with the objects, cidrs and mesh zones of `config/demo`, and all of them met.
/// `busybox-0.busybox.<region>.svc.cluster.local` is 10.0.1.144 in central, 10.0.102.90 in east, 10.0.115.11 in west.
pub async fn three() -> Regions {
    let regions = together(["central", "east", "west"].map(demo_region)).await;
    for region in &regions.running {
        region.peers_up().await;
    }
    regions
}

/// One of them, not started.
pub fn demo_region(label: &str) -> Region {
    let number = match label {
        "central" => (0, 1),
        "east" => (96, 2),
        _ => (112, 3),
    };
    let row = format!("cidrs: [10.0.{}.0/20, \"2001:db8:{}::/48\"]\nmesh: {label}.mesh", number.0, number.1);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo").join(label).join("manifests");
    let mut region = Region::new(label).row(&row);
    for name in ["busybox.yaml", "cluster.yaml", "services.yaml"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        region = region.file(&format!("manifests/{name}"), &text);
    }
    region
}

impl Regions {
    /// The region with this label.
    pub fn of(&self, label: &str) -> &Running {
        self.running.iter().find(|region| region.label() == label).expect("one of the regions")
    }

    /// Takes one out, to stop or end it.
    pub fn take(&mut self, label: &str) -> Running {
        let at = self.running.iter().position(|region| region.label() == label).expect("one of the regions");
        self.running.swap_remove(at)
    }

    /// Gives all of them this table.
    pub fn rewrite_peers(&self, text: &str) {
        for region in &self.running {
            region.rewrite_peers(text);
        }
    }
}
