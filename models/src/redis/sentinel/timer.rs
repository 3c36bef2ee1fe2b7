//! What a Sentinel looks at ten to nineteen times in a second.

use super::instance::Id;
use super::{Sentinel, period};
use crate::machine::Context;

impl Sentinel {
    /// Source: `sentinelTimer`.
    pub(super) fn tick(&mut self, context: &mut Context<'_>) {
        self.look_for_tilt(context);
        for id in self.group.ids() {
            self.look_at(id, context);
        }
        if self.group.failover.is_over() {
            self.switch_to_promoted(context);
        }
    }

    /// A turn that comes much too late, or before the last one, says that the clock or the process cannot
    /// be trusted: the Sentinel then only watches. Source: `sentinelCheckTiltCondition`.
    fn look_for_tilt(&mut self, context: &mut Context<'_>) {
        let passed_ms = self.now_ms - self.previous_ms;
        self.previous_ms = self.now_ms;
        if !(0..=period::TILT_TRIGGER).contains(&passed_ms) {
            self.tilt_since_ms = Some(self.now_ms);
            self.event("+tilt", "#tilt mode entered", context);
        }
    }

    /// Source: `sentinelHandleRedisInstance`.
    fn look_at(&mut self, id: Id, context: &mut Context<'_>) {
        self.reconnect(id, context);
        self.send_periodic_commands(id, context);
        if let Some(since_ms) = self.tilt_since_ms {
            if self.now_ms - since_ms < period::TILT {
                return;
            }
            self.tilt_since_ms = None;
            self.event("-tilt", "#tilt mode exited", context);
        }
        self.look_whether_down(id, context);
        if id == Id::Master {
            self.look_whether_objectively_down(context);
            if self.start_failover_if_needed(context) {
                self.ask_others(true, context);
            }
            self.go_on_with_failover(context);
            self.ask_others(false, context);
        }
    }
}
