//! The courier: one thread that asks upstreams on behalf of the UDP workers, many questions at a time, and answers whoever asked.
//! It makes the first try of a question, which is the only one nearly always. Whatever takes longer than one question and one good
//! answer is handed on to the runtime, with what has been done so far.

mod parcel;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use self::parcel::{Errand, Parcel};
use super::contained::contained;
use super::core::{Core, View};
use super::heartbeat::Beat;
use super::permits::Permit;
use super::udp::later::{Later, Reply, send};
use crate::answer::Failure;
use crate::clock;
use crate::forward::flights::{Course, Flights, Landed, SHARE, Waker};
use crate::peer::datagram::Datagram;

/// How long it waits for anything at most: its sign of life must not grow old.
const TICK: Duration = Duration::from_millis(100);

/// Where workers leave their questions.
#[derive(Default)]
pub struct Courier(Arc<Mutex<Desk>>);

#[derive(Default)]
struct Desk {
    parcels: Vec<(Later, Permit)>,
    /// Wakes the thread, if it sleeps.
    waker: Option<Waker>,
    asleep: bool,
    closed: bool,
}

/// The thread. It ends behind the last question that is out when this is dropped.
pub struct Thread(Arc<Mutex<Desk>>);

/// Who waits for an outcome.
enum Waiting {
    Asker(Box<Parcel>),
    /// The question has been handed on.
    Successor(oneshot::Sender<Datagram>),
}

impl Courier {
    /// Takes the questions of a batch.
    pub(super) fn take(&self, parcels: Vec<(Later, Permit)>) {
        if parcels.is_empty() {
            return;
        }
        let mut desk = self.0.lock();
        desk.parcels.extend(parcels);
        desk.wake();
    }
}

impl Desk {
    fn wake(&mut self) {
        if std::mem::take(&mut self.asleep)
            && let Some(waker) = &self.waker
            && let Err(error) = waker.wake()
        {
            tracing::warn!(%error, "the courier is not woken and looks for itself");
        }
    }
}

/// Starts the thread.
///
/// # Errors
/// If it cannot be started, or has nothing to wait with.
pub fn start(core: &Arc<Core>) -> io::Result<Thread> {
    let flights = Flights::new()?;
    let desk = Arc::clone(&core.courier.0);
    desk.lock().waker = Some(flights.waker()?);
    let beat = core.heartbeats.worker("courier", clock::now());
    let round = Round { core: Arc::clone(core), desk: Arc::clone(&desk), flights, beat, landed: Vec::new() };
    std::thread::Builder::new().name("courier".to_owned()).spawn(move || round.run())?;
    Ok(Thread(desk))
}

impl Drop for Thread {
    fn drop(&mut self) {
        let mut desk = self.0.lock();
        desk.closed = true;
        desk.wake();
    }
}

/// What the thread works with.
struct Round {
    core: Arc<Core>,
    desk: Arc<Mutex<Desk>>,
    flights: Flights<Waiting>,
    beat: Beat,
    landed: Vec<Landed<Waiting>>,
}

impl Round {
    fn run(mut self) {
        let mut view = View::load(&self.core);
        loop {
            let Some(parcels) = self.collect() else { return };
            let now = clock::now();
            self.beat.tick(now);
            view.refresh(&self.core);
            if contained(|| self.turn(&view, now, parcels)).is_none() {
                // Whoever has no answer for it is late soon, and the runtime goes on from there.
                self.core.metrics.panicked();
            }
        }
    }

    fn turn(&mut self, view: &View, now: Instant, parcels: Vec<(Later, Permit)>) {
        // What has just been sent may be answered already, and more may lie on the desk.
        let most = if parcels.is_empty() { TICK } else { Duration::ZERO };
        self.depart(view, parcels);
        if let Err(error) = self.flights.wait(now, most, &mut self.landed) {
            tracing::warn!(%error, "the courier cannot wait");
            std::thread::sleep(TICK);
        }
        self.flights.age(clock::now(), &mut self.landed);
        let landed = std::mem::take(&mut self.landed).into_iter();
        let replies: Vec<Reply> = landed.filter_map(|landed| self.arrive(view, landed)).collect();
        send(&self.core, replies);
    }

    /// What lies on the desk; none when nothing will come any more.
    fn collect(&self) -> Option<Vec<(Later, Permit)>> {
        let mut desk = self.desk.lock();
        let parcels = std::mem::take(&mut desk.parcels);
        desk.asleep = parcels.is_empty();
        if desk.closed && parcels.is_empty() && self.flights.is_empty() { None } else { Some(parcels) }
    }

    /// Sends the questions, those for one server together.
    fn depart(&mut self, view: &View, parcels: Vec<(Later, Permit)>) {
        let mut courses: Vec<(Course, Vec<Parcel>)> = Vec::new();
        for (later, permit) in parcels {
            let permit = Arc::new(permit);
            let taken = contained(|| Errand::take(&self.core, view, &later.miss, &permit));
            match taken {
                Some(Some((course, errand))) => {
                    let parcel = Parcel { later, permit, errand };
                    match courses.iter_mut().find(|(one, parcels)| one.goes_with(&course) && parcels.len() < SHARE) {
                        Some((_, parcels)) => parcels.push(parcel),
                        None => courses.push((course, vec![parcel])),
                    }
                }
                Some(None) => later.start(&self.core, permit),
                None => later.give_up(&self.core, &Failure::Panic),
            }
        }
        for (course, parcels) in courses {
            let passengers =
                parcels.into_iter().map(|parcel| parcel.embarks(|parcel| Waiting::Asker(Box::new(parcel))));
            self.flights.send(course, passengers, &mut self.landed);
        }
    }

    fn arrive(&mut self, view: &View, landed: Landed<Waiting>) -> Option<Reply> {
        match landed {
            Landed::Ended(Waiting::Asker(parcel), outcome) => return parcel.arrive(&self.core, view, outcome),
            // Whoever has gone has its answer from somewhere else.
            Landed::Ended(Waiting::Successor(successor), outcome) => drop(successor.send(outcome)),
            Landed::Late(Waiting::Asker(parcel), seat) => {
                let (sender, outcome) = oneshot::channel();
                self.flights.seat(seat, Waiting::Successor(sender));
                parcel.goes_on(&self.core, outcome);
            }
            Landed::Late(Waiting::Successor(_), _) => {}
        }
        None
    }
}
