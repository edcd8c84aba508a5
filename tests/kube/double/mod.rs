//! An API server that lies on demand: lists with pages, watches with history, and every fault that a real one cannot be
//! made to show. It speaks HTTP/1.1 by hand and knows nothing of the code under test.

mod fault;
mod http;
mod serve;
mod state;

pub use fault::{Asked, Fault, Wanted, status};
pub use state::{RESOURCES, State};

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::ports::free_block;

/// One server on loopback. Dropping it ends it and all its connections.
pub struct Double {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

/// What the connections share.
pub struct Shared {
    state: Mutex<State>,
    faults: Mutex<Vec<Planned>>,
    asked: Mutex<Vec<Asked>>,
    /// Changes with every change of the state, and with every order below.
    changed: watch::Sender<u64>,
    orders: Mutex<Orders>,
}

struct Planned {
    wanted: Wanted,
    fault: Fault,
    times: usize,
}

/// Connections are numbered in the order in which they came.
#[derive(Default)]
struct Orders {
    connections: u64,
    /// Those below it are dead, though nobody was told.
    frozen_below: u64,
    /// Those below it are closed.
    closed_below: u64,
}

impl Double {
    pub async fn start() -> Self {
        let mut double = Self::stopped().await;
        double.start_again().await;
        double
    }

    /// It has an address, and nobody listens there.
    pub async fn stopped() -> Self {
        // Not one that the system gives out by itself: it would give it to somebody's connection meanwhile.
        let address = (Ipv4Addr::LOCALHOST, free_block(1)).into();
        let shared = Shared {
            state: Mutex::new(State::new()),
            faults: Mutex::default(),
            asked: Mutex::default(),
            changed: watch::Sender::new(0),
            orders: Mutex::default(),
        };
        Self { address, shared: Arc::new(shared), task: None }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes the port and every connection.
    pub fn stop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        self.close_connections();
    }

    /// Listens at the address that it had.
    pub async fn start_again(&mut self) {
        if let Some(task) = self.task.take() {
            // Only then is the port free.
            let _ = task.await;
        }
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        let listener = socket.listen(1_024).unwrap();
        let shared = Arc::clone(&self.shared);
        self.task = Some(tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let number = {
                    let mut orders = shared.orders.lock();
                    orders.connections += 1;
                    orders.connections
                };
                tokio::spawn(serve::connection(stream, Arc::clone(&shared), number));
            }
        }));
    }

    pub fn close_connections(&self) {
        let mut orders = self.shared.orders.lock();
        orders.closed_below = orders.connections + 1;
        drop(orders);
        self.wake();
    }

    /// Every open connection is dead from now on, without a word; new ones work.
    pub fn freeze_connections(&self) {
        let mut orders = self.shared.orders.lock();
        orders.frozen_below = orders.connections + 1;
    }

    /// Changes what there is.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.shared.state.lock());
        self.wake();
        changed
    }

    pub fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.shared.state.lock())
    }

    pub fn fill(&self, objects: impl IntoIterator<Item = Value>) {
        self.change(|state| objects.into_iter().for_each(|object| state.apply(object)));
    }

    pub fn apply(&self, object: Value) {
        self.change(|state| state.apply(object));
    }

    pub fn delete(&self, resource: &str, name: &str) {
        self.change(|state| state.delete(resource, name));
    }

    /// The next `times` questions like this end like that.
    pub fn plan(&self, wanted: Wanted, fault: Fault, times: usize) {
        self.shared.faults.lock().push(Planned { wanted, fault, times });
    }

    /// Takes back what was planned.
    pub fn behave(&self) {
        self.shared.faults.lock().clear();
    }

    /// Whether all that was planned has happened.
    pub fn is_done(&self) -> bool {
        self.shared.faults.lock().iter().all(|planned| planned.times == 0)
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().clone()
    }

    pub fn count(&self, wanted: Wanted) -> usize {
        self.asked().iter().filter(|asked| wanted.is(asked)).count()
    }

    fn wake(&self) {
        self.shared.changed.send_modify(|count| *count += 1);
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn is_closed(&self, number: u64) -> bool {
        number < self.orders.lock().closed_below
    }

    fn is_frozen(&self, number: u64) -> bool {
        number < self.orders.lock().frozen_below
    }

    /// Notes a question, and says how it is to go wrong.
    fn ask(&self, asked: &Asked) -> Option<Fault> {
        self.asked.lock().push(asked.clone());
        let mut faults = self.faults.lock();
        let planned = faults.iter_mut().find(|planned| planned.times > 0 && planned.wanted.is(asked))?;
        planned.times -= 1;
        Some(planned.fault.clone())
    }
}

/// Long enough for anything that does not depend on time.
pub const LONG: Duration = Duration::from_secs(3_600);
