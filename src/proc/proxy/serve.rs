//! Taking connections.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::refusal::{Refusals, Refused};
use super::relay::STACK;
use super::slots::{Slot, Slots};
use super::upstream::{Resolve, system_resolver};
use super::visit::visit;
use crate::model::network::Hosts;

/// How long to wait when the system has no more files or threads to give.
const BREATH: Duration = Duration::from_millis(50);

/// Serves `allowed` on `listener` for as long as the process lives. `note` is told of each host
/// and port that is refused, once, from the thread that serves the connection.
pub fn serve(
    listener: TcpListener,
    allowed: Hosts,
    note: impl Fn(&Refused) + Send + Sync + 'static,
) -> ! {
    let proxy = Proxy {
        allowed,
        limits: Limits::default(),
        resolve: Box::new(system_resolver),
        refusals: Refusals::new(note),
    };
    proxy.serve(&listener)
}

/// What all connections share.
pub(super) struct Proxy {
    pub allowed: Hosts,
    pub limits: Limits,
    pub resolve: Box<Resolve>,
    pub refusals: Refusals,
}

/// How long things may take, and how many there may be.
pub(super) struct Limits {
    pub header: Duration,
    pub connect: Duration,
    /// Long enough for a service that thinks before it answers.
    pub idle: Duration,
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(15),
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(15 * 60),
            connections: 256,
        }
    }
}

impl Proxy {
    pub fn serve(self, listener: &TcpListener) -> ! {
        let slots = Slots::new(self.limits.connections);
        let proxy = Arc::new(self);
        loop {
            // First the room, then the connection: until there is some, it waits in the system.
            let slot = slots.take();
            let served = match listener.accept() {
                Ok((client, _)) => start(&proxy, client, slot),
                Err(error) => Err(error),
            };
            if served.is_err() {
                thread::sleep(BREATH);
            }
        }
    }
}

fn start(proxy: &Arc<Proxy>, client: TcpStream, slot: Slot) -> std::io::Result<()> {
    let proxy = Arc::clone(proxy);
    let thread = thread::Builder::new().name("proxy".to_owned());
    let started = thread.stack_size(STACK).spawn(move || {
        visit(&proxy, &client);
        drop(slot);
    });
    started.map(drop)
}
