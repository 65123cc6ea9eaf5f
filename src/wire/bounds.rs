//! What bounds a question whatever the other side does: a time when all is over, and how much may come. ureq keeps its own time-outs
//! from step to step, and some steps, such as waiting for a proxy's answer to CONNECT, begin anew with every byte.
//!
//! It knows nothing of HTTP and of TLS, under which it lies.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use crate::evidence::LIST_LIMIT;

/// All bodies of a run that are kept or being read may have so many bytes together, their beginnings aside; beyond that they are
/// cut. With what is made of them a run then stays below 64 MB.
const ROOM: usize = LIST_LIMIT;

/// The room that is left for bodies.
pub struct Room(AtomicUsize);

impl Default for Room {
    fn default() -> Self {
        Self(AtomicUsize::new(ROOM))
    }
}

impl Room {
    /// Takes so many bytes; `false` when they are not there.
    pub fn take(&self, bytes: usize) -> bool {
        let less = |left: usize| left.checked_sub(bytes);
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
    }

    /// Gives bytes back that are not kept.
    pub fn give_back(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::SeqCst);
    }
}

/// Bounds every connection that the connectors before it make.
#[derive(Debug)]
pub struct Bounds {
    /// When all is over.
    pub until: Instant,
    /// So many bytes may come on one connection.
    pub bytes: usize,
}

impl<In: Transport> Connector<In> for Bounds {
    type Out = Bounded<In>;

    fn connect(&self, _: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(chained.map(|inner| Bounded { inner, until: self.until, bytes: self.bytes, left: self.bytes }))
    }
}

/// A bounded connection.
#[derive(Debug)]
pub struct Bounded<T> {
    inner: T,
    until: Instant,
    bytes: usize,
    left: usize,
}

impl<T: Transport> Bounded<T> {
    /// The time that is left, however much of it ureq would grant anew.
    fn within(&self, mut timeout: NextTimeout) -> Result<NextTimeout, ureq::Error> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left < Duration::from_millis(1) {
            return Err(ureq::Error::Timeout(timeout.reason));
        }
        timeout.after = timeout.after.min(left.into());
        Ok(timeout)
    }
}

impl<T: Transport> Transport for Bounded<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let timeout = self.within(timeout)?;
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let timeout = self.within(timeout)?;
        let before = self.inner.buffers().input().len();
        let progress = self.inner.await_input(timeout)?;
        let came = self.inner.buffers().input().len().saturating_sub(before);
        match self.left.checked_sub(came) {
            Some(left) => self.left = left,
            None => return Err(ureq::Error::BodyExceedsLimit(self.bytes as u64)),
        }
        Ok(progress)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_that_is_given_back_can_be_taken_again() {
        let room = Room::default();
        assert!(room.take(ROOM - 1) && !room.take(2) && room.take(1) && !room.take(1));
        room.give_back(5);
        assert!(!room.take(6) && room.take(5));
    }
}
