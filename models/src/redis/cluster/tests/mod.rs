//! Several nodes on a tiny network: what they say to each other and what their servers are told.

mod commands;
mod election;
mod failure;
mod gossip;
mod laws;
mod manual;
mod migration;
mod minority;
mod restart;
mod rig;
mod servers;
mod slots;
mod votes;

use self::rig::Rig;
