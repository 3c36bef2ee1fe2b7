//! Whether a lock is still held, as far as the recipe knows: what it finds out beside its user's work.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// How a recipe and its lock stand. Cheap to clone; all clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    wakers: Vec<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The lock is not held.
    #[default]
    Free,
    /// It is held.
    Held,
    /// It was held, and is lost.
    Lost,
}

impl Standing {
    /// The lock is granted.
    pub(crate) fn grant(&self) {
        self.0.borrow_mut().phase = Phase::Held;
    }

    /// The lock is given back.
    pub(crate) fn give_back(&self) {
        self.0.borrow_mut().phase = Phase::Free;
    }

    /// The lock is lost; false when it was not held.
    pub(crate) fn lose(&self) -> bool {
        let mut state = self.0.borrow_mut();
        if state.phase != Phase::Held {
            return false;
        }
        state.phase = Phase::Lost;
        state.wakers.drain(..).for_each(Waker::wake);
        true
    }

    /// Comes to its end when the lock that is held now is lost.
    pub(crate) fn lost(&self) -> Lost {
        Lost(Some(self.clone()))
    }
}

/// Comes to its end when a recipe knows that the lock which it has granted is lost. See
/// [`Lock::lost`](super::Lock::lost).
#[derive(Debug)]
pub struct Lost(Option<Standing>);

impl Lost {
    /// What never comes to its end: of a recipe that does not find out by itself.
    pub const fn never() -> Self {
        Self(None)
    }

    /// Goes on with what is done under the lock until it is done, or until the lock is lost: `None` then.
    pub(crate) async fn cuts<T>(self, work: impl Future<Output = T>) -> Option<T> {
        let (mut lost, mut work) = (pin!(self), pin!(work));
        poll_fn(|context| match lost.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => work.as_mut().poll(context).map(Some),
        })
        .await
    }
}

impl Future for Lost {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(standing) = &self.0 else { return Poll::Pending };
        let mut state = standing.0.borrow_mut();
        if state.phase == Phase::Lost {
            return Poll::Ready(());
        }
        if !state.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            state.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    fn is_ready(lost: Pin<&mut Lost>) -> bool {
        lost.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn only_what_is_held_can_be_lost_and_once() {
        let standing = Standing::default();
        assert!(!standing.lose(), "nothing is held");
        standing.grant();
        let mut lost = pin!(standing.lost());
        assert!(!is_ready(lost.as_mut()));
        assert!(standing.lose());
        assert!(!standing.lose(), "it is lost already");
        assert!(is_ready(lost.as_mut()));
        standing.grant();
        assert!(!is_ready(lost.as_mut()), "it is granted anew");
        standing.give_back();
        assert!(!standing.lose());
        assert!(!is_ready(pin!(Lost::never())));
    }
}
