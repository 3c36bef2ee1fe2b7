//! Who is down: as this Sentinel sees it, and as enough of them do.

use super::instance::{Id, Instance, Role};
use super::link::Asked;
use super::{Sentinel, command, period};
use crate::machine::Context;
use crate::redis::address::{host, redis_port};
use crate::redis::resp::Reply;

impl Instance {
    /// For how long there has been no answer. Source: `sentinelCheckSubjectivelyDown`.
    const fn silent_for_ms(&self, now_ms: i64) -> i64 {
        if self.link.unanswered_since_ms != 0 {
            now_ms - self.link.unanswered_since_ms
        } else if self.link.is_disconnected {
            now_ms - self.link.available_ms
        } else {
            0
        }
    }

    /// Another Sentinel says whether it finds the master down, and for whom it votes. Source:
    /// `sentinelReceiveIsMasterDownReply`.
    pub(super) fn is_asked_about_master(&mut self, reply: &Reply, now_ms: i64) {
        let Reply::Array(items) = reply else { return };
        let [Reply::Int(is_down), Reply::Bulk(leader), Reply::Int(epoch)] = &items[..] else {
            return;
        };
        self.peer.said_ms = now_ms;
        self.peer.says_down = *is_down == 1;
        if &leader[..] != b"*" {
            self.peer.voted_for = Some(String::from_utf8_lossy(leader).into_owned());
            self.peer.voted_epoch = u64::try_from(*epoch).unwrap_or(0);
        }
    }
}

impl Sentinel {
    /// Source: `sentinelCheckSubjectivelyDown`.
    pub(super) fn look_whether_down(&mut self, id: Id, context: &mut Context<'_>) {
        let now_ms = self.now_ms;
        let down_after_ms = self.settings.down_after_ms();
        let instance = self.group.get_mut(id);
        let silent_for_ms = instance.silent_for_ms(now_ms);
        instance.link.close_if_silent(now_ms, down_after_ms, context);
        let is_no_master = id == Id::Master
            && instance.role == Role::Replica
            && now_ms - instance.role_since_ms > down_after_ms + period::INFO * 2;
        let is_down = silent_for_ms > down_after_ms || is_no_master;
        let was_down = std::mem::replace(&mut instance.is_down, is_down);
        if is_down && !was_down {
            instance.down_since_ms = now_ms;
            self.event_about("+sdown", id, "", context);
        } else if was_down && !is_down {
            self.event_about("-sdown", id, "", context);
        }
    }

    /// Source: `sentinelCheckObjectivelyDown`.
    pub(super) fn look_whether_objectively_down(&mut self, context: &mut Context<'_>) {
        let others = self.group.sentinels.iter().filter(|peer| peer.peer.says_down).count();
        let (found, quorum) = (others as u32 + 1, self.settings.quorum);
        let is_down = self.group.master.is_down && found >= quorum;
        let was_down = std::mem::replace(&mut self.group.is_objectively_down, is_down);
        if is_down && !was_down {
            self.group.objectively_down_since_ms = self.now_ms;
            let detail = format!(" #quorum {found}/{quorum}");
            self.event_about("+odown", Id::Master, &detail, context);
        } else if was_down && !is_down {
            self.event_about("-odown", Id::Master, "", context);
        }
    }

    /// Asks the other Sentinels about a master that is down, and for their votes when a failover has
    /// begun. Source: `sentinelAskMasterStateToOtherSentinels`.
    pub(super) fn ask_others(&mut self, is_forced: bool, context: &mut Context<'_>) {
        let now_ms = self.now_ms;
        for peer in &mut self.group.sentinels {
            let silent_for_ms = now_ms - peer.peer.said_ms;
            if silent_for_ms > period::ASK * 5 {
                peer.peer.says_down = false;
                peer.peer.voted_for = None;
            }
            if !self.group.master.is_down
                || peer.link.is_disconnected
                || !is_forced && silent_for_ms < period::ASK
            {
                continue;
            }
            let master = self.group.master.node;
            let (ip, port) = (host(master), redis_port(master).to_string());
            let epoch = self.current_epoch.to_string();
            let id = if self.group.failover.is_in_progress() { &self.my_id } else { "*" };
            let words = ["SENTINEL", "is-master-down-by-addr", &ip, &port, &epoch, id];
            peer.link.ask(Asked::IsMasterDown, command(words), context);
        }
    }
}
