//! A name that has to be there the whole time: asked again and again beside the test, and whatever goes wrong is kept.

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::Instance;
use crate::support::client::Ask;
use crate::support::ms;
use crate::support::read::addresses;

/// Asks until it is told to stop.
pub struct Steady {
    task: JoinHandle<()>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    asked: u64,
    wrong: Option<String>,
}

impl Steady {
    /// The name has this address now, and has to keep it.
    pub fn watch(east: &Instance, name: &str, address: &str) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let task = tokio::spawn(ask(east.dns(), name.to_owned(), address.to_owned(), Arc::clone(&seen)));
        Self { task, seen }
    }

    /// Stops. Never was it answered otherwise.
    pub fn never_missing(self) {
        self.task.abort();
        let seen = self.seen.lock();
        assert_eq!(seen.wrong, None);
        assert!(seen.asked > 0);
    }
}

impl Seen {
    fn note(&mut self, right: bool, reply: &Message) {
        self.asked += 1;
        if !right && self.wrong.is_none() {
            self.wrong = Some(format!("question {}: {reply:?}", self.asked));
        }
    }
}

async fn ask(server: SocketAddr, name: String, address: String, seen: Arc<Mutex<Seen>>) {
    loop {
        let reply = Ask::new(&name, RecordType::A).udp(server).await;
        let found: Vec<String> = addresses(&reply).iter().map(ToString::to_string).collect();
        seen.lock().note(found == [address.clone()], &reply);
        tokio::time::sleep(ms(5)).await;
    }
}
