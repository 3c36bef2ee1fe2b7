//! ZooKeeper's protocol.
use super::wire::{Next, Unspeakable, Wire};
use fencepost_models::message::Message;
/// A client of an ensemble.
#[derive(Debug, Default)]
pub struct Jute;
impl Wire for Jute {
    fn feed(&mut self, _: &[u8]) {}
    fn next(&mut self, _: &mut Vec<u8>) -> Next {
        Next::HangUp
    }
    fn encode(&mut self, _: &Message, _: &mut Vec<u8>) -> Result<(), Unspeakable> {
        Err(Unspeakable)
    }
}
