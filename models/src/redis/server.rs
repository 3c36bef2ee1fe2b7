//! Placeholder.
use crate::machine::{Boot, Context, Input, Machine};
/// Placeholder.
pub struct Server;
impl Server {
    /// Placeholder.
    pub fn new(_boot: Boot) -> Self {
        Self
    }
}
impl Machine for Server {
    fn handle(&mut self, _input: Input<'_>, _context: &mut Context<'_>) {}
}
