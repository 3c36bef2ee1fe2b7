//! `MIGRATE`, as far as the server drives it: the connection, the time that it may take, and when it is over.
//!
//! Source: `cluster.c`, `migrateCommand`, `migrateGetSocket`.

use super::Server;
use crate::machine::{ConnectionId, Context, Input};
use crate::message::Message;
use crate::redis::session::Begin;
use crate::redis::unix_time::millis;

impl Server {
    /// Somebody has sent `MIGRATE`: the thread waits for its target. What else was to be sent waits too.
    pub(super) fn begin_migration(&mut self, context: &mut Context<'_>) {
        let Some((begin, timeout)) = self.sessions.begin_migration() else { return };
        context.set_timer(Self::MIGRATION_LATE, timeout);
        match begin {
            Begin::Connect(target) => {
                let connection = context.connect(target);
                if let Some(old) = self.sessions.keep_for_migration(target, connection) {
                    context.close(old);
                }
            }
            Begin::Send(connection) => {
                if !self.send_migrating(connection, context) {
                    self.end_migration(context);
                }
            }
        }
    }

    /// False when there is nothing left to be sent.
    fn send_migrating(&mut self, connection: ConnectionId, context: &mut Context<'_>) -> bool {
        let messages = self.sessions.take_migrating(millis(context.clock.wall));
        let is_something = !messages.is_empty();
        for message in messages {
            context.send(connection, message);
        }
        is_something
    }

    fn end_migration(&mut self, context: &mut Context<'_>) {
        context.cancel_timer(Self::MIGRATION_LATE);
        self.sessions.end_migration(&mut self.engine);
        self.wake(context);
    }

    /// Takes what concerns a migration; false when it is something else.
    pub(super) fn go_on_migrating(&mut self, input: Input<'_>, context: &mut Context<'_>) -> bool {
        let is_over = match input {
            Input::Connected { connection } if self.sessions.is_for_migration(connection) => {
                let is_over = !self.send_migrating(connection, context);
                self.wait_for_target(context);
                is_over
            }
            Input::Message { connection, message: Message::RedisReply(reply) }
                if self.sessions.is_for_migration(connection) =>
            {
                self.wait_for_target(context);
                self.sessions.migration_answered(reply)
            }
            Input::Closed { connection, .. } if self.sessions.is_for_migration(connection) => {
                self.sessions.lose_migration();
                true
            }
            Input::Timer(Self::MIGRATION_LATE) => {
                // What comes late must not be taken for the next one's answer.
                if let Some((_, connection)) = self.sessions.take_kept() {
                    context.close(connection);
                }
                true
            }
            _ => return false,
        };
        if is_over && self.sessions.is_migrating() {
            self.end_migration(context);
        }
        true
    }

    /// The next answer of a migration's target has as much time as the last one.
    fn wait_for_target(&self, context: &mut Context<'_>) {
        if let Some(timeout) = self.sessions.migration_timeout() {
            context.set_timer(Self::MIGRATION_LATE, timeout);
        }
    }
}
