//! A lease that is asked for in numbers: who says 0 to its server wants it, and is given a number that grows with every
//! grant, or 0; who says that number gives it back, and is told 1 if it was still the holder.

use std::time::Duration;

use fencepost::own::{Message, Node, OwnLock, ReleaseOutcome};

/// The lease on the server of that name.
pub struct NumberedLease {
    pub node: Node,
    pub server: &'static str,
    /// How long to wait for an answer, and between two questions.
    pub patience: Duration,
    pub poll: Duration,
}

impl NumberedLease {
    /// Says a number; what the server answers.
    async fn say(&self, number: u64) -> Option<u64> {
        let said = async {
            let connection = self.node.connect(self.server).await.ok()?;
            connection.send(Message::Number(number));
            match connection.receive().await {
                Ok(Message::Number(answer)) => Some(answer),
                _ => None,
            }
        };
        self.node.host().timeout(self.patience, said).await.ok().flatten()
    }
}

impl OwnLock for NumberedLease {
    type Guard = u64;

    async fn acquire(&self) -> u64 {
        loop {
            match self.say(0).await {
                Some(number) if number > 0 => return number,
                _ => self.node.host().sleep(self.poll).await,
            }
        }
    }

    async fn release(&self, number: &u64) -> ReleaseOutcome {
        self.say(*number).await.map(|said| said == 1).into()
    }

    fn token(&self, number: &u64) -> Option<u64> {
        Some(*number)
    }
}
