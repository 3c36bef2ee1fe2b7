//! Faults in TOML, and back.
