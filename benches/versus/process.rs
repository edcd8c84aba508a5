//! A server as a process of its own: on the server's core, with what it says in a file, and ended with all that it started when it
//! is dropped.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::support::questions::Questions;
use crate::support::{schedstat, sys};
use interlocal::clock;

/// From the start to the first right answer.
const PATIENCE: Duration = Duration::from_secs(60);
const TRY: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(20);

pub struct Process {
    child: Child,
    said: PathBuf,
}

/// What a process used so far, with its children.
#[derive(Clone, Copy, Default)]
pub struct Used {
    pub cpu: Duration,
    /// Resident memory in octets.
    pub resident: u64,
}

impl Process {
    /// Starts a program on a core; what it says goes to a file of this name.
    pub fn start(mut command: Command, core: usize, folder: &Path, name: &str) -> anyhow::Result<Self> {
        let said = folder.join(format!("{name}.log"));
        let log = File::create(&said)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).current_dir(folder);
        sys::confine(&mut command, core);
        let child = command.spawn().with_context(|| format!("{}", command.get_program().display()))?;
        Ok(Self { child, said })
    }

    /// Asks until the answer is right.
    pub fn until_right(&mut self, server: SocketAddr, questions: &Questions) -> anyhow::Result<()> {
        let (mut message, mut reply, mut last) = (Vec::new(), [0; 4_096], None);
        let begun = clock::now();
        let mut id = 0;
        while clock::now().duration_since(begun) < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                bail!("ended with {status}: {}", self.last_words());
            }
            // Another socket for each, so that a late answer is not taken for the next one's.
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.set_read_timeout(Some(TRY))?;
            id += 1;
            questions.write(0, id, &mut message);
            match socket.send_to(&message, server).and_then(|_| socket.recv(&mut reply)) {
                Ok(length) if questions.is_right(&message, &reply[..length]) => return Ok(()),
                Ok(length) => last = reply[..length].get(3).map(|octet| octet & 15),
                Err(_) => {}
            }
            std::thread::sleep(STEP);
        }
        bail!("no right answer, the last rcode was {last:?}: {}", self.last_words())
    }

    /// The end of what it said, on one line.
    pub fn last_words(&self) -> String {
        let said = fs::read_to_string(&self.said).unwrap_or_default();
        let lines: Vec<&str> = said.lines().rev().take(4).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("; ")
    }

    pub fn used(&self) -> Used {
        let mut used = Used::default();
        for process in family(self.child.id()) {
            let folder = PathBuf::from(format!("/proc/{process}"));
            let tasks = fs::read_dir(folder.join("task")).into_iter().flatten().flatten();
            used.cpu +=
                tasks.filter_map(|task| schedstat::of_task(&task.path())).map(|it| it.on_core).sum::<Duration>();
            let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
            let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let kilobytes = resident.and_then(|text| text.trim().split(' ').next()?.parse::<u64>().ok());
            used.resident += kilobytes.unwrap_or(0) << 10;
        }
        used
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        sys::end(&mut self.child);
    }
}

/// A process with its children and theirs.
fn family(first: u32) -> Vec<u32> {
    let mut family = vec![first];
    let mut next = 0;
    while let Some(process) = family.get(next) {
        let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
        family.extend(children.split_whitespace().filter_map(|number| number.parse::<u32>().ok()));
        next += 1;
    }
    family
}

/// A port of loopback that is free over UDP and TCP.
pub fn free() -> anyhow::Result<SocketAddr> {
    for _ in 0..100 {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        if UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no free port")
}
