//! What the world does, fault by fault.
